"""The ESP32, ESP32-S3 and ESP32-C3: their random number generator needs the radio.

Technical reference manual, "Random Number Generator": the generator takes noise from the radio or
the SAR ADC. While both are off, its output is pseudo-random.
"""

from countersign_agent.keys.entropy import EntropyError


def switch_radio_on() -> None:
    """Switch the radio on for good: nonces need its noise, whatever transport the agent uses.

    Raises EntropyError if the radio stays off.
    """
    try:
        import network  # only here: most builds have none

        network.WLAN(network.STA_IF).active(True)
    except (ImportError, OSError, RuntimeError) as error:
        raise EntropyError("the radio, which feeds this chip's generator, stays off: " + str(error))
