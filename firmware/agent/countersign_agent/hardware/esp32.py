"""The ESP32 and its kin, S3 and C3: their generator needs the radio.

Technical reference manual, "Random Number Generator": noise reaches it from the radio or the SAR
ADC, and while both are off what it gives is pseudo-random.
"""

from countersign_agent.keys.entropy import EntropyError


def switch_radio_on() -> None:
    """It stays on: nonces draw on it as long as the agent runs, whatever line it speaks on.

    Raises EntropyError if it stays off.
    """
    try:
        import network  # only here: most builds have none

        network.WLAN(network.STA_IF).active(True)
    except (ImportError, OSError, RuntimeError) as error:
        raise EntropyError("the radio, which feeds this chip's generator, stays off: " + str(error))
