"""`countersign provision` reports every fault in its input before it touches a board."""

import json
from pathlib import Path

import pytest

from countersign_cli import cli
from countersign_cli.board_catalogue import board_kinds
from countersign_cli.provisioning import rows
from support.boards.provision_rows import GATEWAY_KEY, settings, write_csv, write_settings

ROW = {"name": "bed-7", "port": "/dev/ttyACM0", "board": "RPI_PICO"}


def faults_of(path: Path, **shared: object) -> list[str]:
    with pytest.raises(rows.RowsError) as error:
        rows.read_csv(path, settings(**shared))
    return list(error.value.args)


def test_a_row_is_the_agents_configuration(tmp_path: Path) -> None:
    table = write_csv(
        tmp_path / "boards.csv",
        [
            ROW | {"transport": "", "serial_port": "uart:0", "serial_baud": "57600", "baud": ""},
            ROW | {"name": "bed-8", "port": "socket://127.0.0.1:4000", "baud": "9600"},
        ],
    )
    first, second = rows.read_csv(table, settings())
    assert json.loads(first.config) == settings(
        name="bed-7", storage_folder="/key_store", serial_port="uart:0", serial_baud=57600
    )
    assert (first.port, first.board, first.baud) == ("/dev/ttyACM0", "RPI_PICO", 115200)
    assert (second.name, second.baud) == ("bed-8", 9600)
    assert json.loads(second.config)["serial_port"] == "usb"
    assert first.digest() != second.digest()


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    table = write_csv(
        tmp_path / "boards.csv",
        [
            ROW | {"serial_baud": "fast"},
            ROW | {"board": "RPI_PICKO", "serial_baud": ""},
            {"name": "", "port": "/dev/ttyACM1", "board": "", "serial_baud": ""},
            {"name": "bed-9", "port": "COM4", "board": "", "serial_baud": "5"},
        ],
    )
    assert faults_of(table) == [
        "boards.csv line 2 (bed-7): serial_baud is an integer",
        "boards.csv line 3 (bed-7): no such board: RPI_PICKO "
        f"(there are: {', '.join(board_kinds.KINDS)})",
        "boards.csv line 3 (bed-7): the same name as in boards.csv line 2",
        "boards.csv line 4: name is empty",
        "boards.csv line 5 (bed-9): 'COM4' is no port: write /dev/ttyACM0 or socket://host:port",
        "boards.csv line 5 (bed-9): serial_baud is an integer from 1200 to 12000000",
    ]


def test_what_all_rows_share_is_said_once_and_by_its_own_name(tmp_path: Path) -> None:
    table = write_csv(
        tmp_path / "boards.csv",
        [ROW | {"watchdog_s": "x", "serial_baud": "1"}, ROW | {"name": "bed-8"}],
    )
    wrong = {"site": "No Site", "check_in_interval_ms": "often", "gateway_public_key": None}
    said = faults_of(table, **wrong)
    first, second = [fault for fault in said if fault.startswith("--settings: ")]
    assert "check_in_interval_ms is an integer" in first
    assert " site " in second
    assert said[0] == "boards.csv line 2 (bed-7): watchdog_s is an integer"
    assert "boards.csv line 2 (bed-7): serial_baud is an integer from 1200 to 12000000" in said
    assert "boards.csv line 3 (bed-8): missing setting gateway_public_key" in said


@pytest.mark.parametrize(
    ("day", "fault"),
    [
        ("2020-01-01", "valid_until 2020-01-01 is past"),
        ("2026-13-45", "valid_until is a day"),
        ("soon", "valid_until is a day"),
        ("2999-12-31", ""),
    ],
)
def test_the_last_day_is_one_that_comes(tmp_path: Path, day: str, fault: str) -> None:
    table = write_csv(tmp_path / "boards.csv", [ROW | {"valid_until": day}])
    if fault:
        assert fault in faults_of(table)[0]
    else:
        assert rows.read_csv(table, settings())[0].valid_until == day


def test_a_typo_in_the_header_is_named_with_what_was_meant(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "boards.csv", [ROW | {"serail_baud": "9600"}])
    (fault,) = faults_of(table)
    assert fault == "boards.csv line 1: unknown setting 'serail_baud': do you mean serial_baud?"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "there is no column name"),
        ("name,port\n", "there are no boards in it"),
        ("name,port,port\nbed-7,/dev/a,/dev/b\n", "a column is there twice"),
        ("name,port\nbed\x1b[2J,/dev/a\n", "holds a character that cannot be printed"),
        ("name,port\nbed-7\n", "line 2: not as many cells as the header has"),
        ("name,port\nbed-7,/dev/a,more\n", "line 2: not as many cells as the header has"),
        ('name,port\n"bed-7,/dev/a\n', "is not a CSV file"),
        ("name,port,storage_folder\nbed-7,/dev/a,/x\n", "unknown setting 'storage_folder'"),
        (
            "name,port,gateway_public_key\nbed-7,/dev/a," + "05" * 31 + "\n",
            "gateway_public_key has the wrong length",
        ),
        (
            "name,port,gateway_public_key\nbed-7,/dev/a," + "00" * 31 + "05\n",
            "gateway_public_key is not a point of the curve",
        ),
        ("name,port,broker_host\nbed-7,/dev/a,b\n", "is no setting of transport serial"),
        ("name,port,tls_ca_path\nbed-7,/dev/a,no.der\n", "no.der cannot be read"),
    ],
)
def test_a_file_that_cannot_be_meant(tmp_path: Path, text: str, fault: str) -> None:
    table = tmp_path / "boards.csv"
    table.write_text(text)
    assert any(fault in said for said in faults_of(table)), faults_of(table)


def test_a_certificate_goes_to_the_board(tmp_path: Path) -> None:
    (tmp_path / "ca.der").write_bytes(b"\x30\x03abc")
    table = write_csv(
        tmp_path / "boards.csv",
        [ROW | {"transport": "mqtt", "broker_host": "broker", "tls_ca_path": "ca.der"}],
    )
    shared = settings()
    shared.pop("serial_port")
    (row,) = rows.read_csv(table, shared)
    assert row.files == {"/broker_ca.der": b"\x30\x03abc"}
    assert json.loads(row.config)["tls_ca_path"] == "/broker_ca.der"
    (tmp_path / "ca.der").write_bytes(b"-----BEGIN")
    with pytest.raises(rows.RowsError, match="is not a DER certificate"):
        rows.read_csv(table, shared)


def test_the_site_account_key_reaches_the_board_if_it_is_a_point(tmp_path: Path) -> None:
    table = write_csv(
        tmp_path / "boards.csv", [ROW | {"transport": "mqtt", "broker_host": "broker"}]
    )
    shared = settings()
    shared.pop("serial_port")
    key = shared["gateway_public_key"]
    (row,) = rows.read_csv(table, shared | {"site_account_key": key})
    assert json.loads(row.config)["site_account_key"] == key
    with pytest.raises(rows.RowsError, match="site_account_key is not a point of the curve"):
        rows.read_csv(table, shared | {"site_account_key": "00" * 31 + "05"})


def test_no_secret_is_shown(tmp_path: Path) -> None:
    table = write_csv(
        tmp_path / "boards.csv",
        [ROW | {"transport": "mqtt", "broker_host": "broker", "wifi_password": "correct horse"}],
    )
    shared = settings(serial_port=None)
    shared.pop("serial_port")
    with pytest.raises(rows.RowsError, match="wifi_password without wifi_ssid") as error:
        rows.read_csv(table, shared)
    assert "horse" not in str(error.value)
    (row,) = rows.read_csv(table, shared | {"wifi_ssid": "ward"})
    assert "horse" not in repr(row)
    assert b"horse" in row.config


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is not JSON"),
        ("[]", "is not one JSON object"),
        ('{"broker_hots": "b"}', "unknown setting 'broker_hots': do you mean broker_host?"),
        ('{"name": "bed-7"}', "name is set for each board"),
    ],
)
def test_settings_that_cannot_be_meant(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "site.json"
    path.write_text(text)
    with pytest.raises(rows.RowsError) as error:
        rows.read_settings(path)
    assert fault in str(error.value)


def test_check_touches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared = write_settings(tmp_path)
    table = write_csv(tmp_path / "boards.csv", [ROW, ROW | {"name": "bed-8"}])
    before = sorted(tmp_path.iterdir())
    words = ["provision", "--batch", str(table), "--settings", str(shared), "--check"]
    assert cli.main(words) == 0
    assert "2 boards at 1 ports, nothing wrong; no board touched" in capsys.readouterr().out
    assert sorted(tmp_path.iterdir()) == before
    table.write_text("name,prot\nbed-7,/dev/ttyACM0\n")
    assert cli.main(words) == 2
    assert "'prot': do you mean port?" in capsys.readouterr().err


def test_one_board_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = str(write_settings(tmp_path))
    words = ["provision", "--port", "/dev/ttyACM0", "--settings", shared, "--check"]
    assert cli.main([*words, "--name", "bed-7", "--set", f"gateway_public_key={GATEWAY_KEY}"]) == 0
    assert cli.main(words) == 2
    assert "command line: name is empty" in capsys.readouterr().err
    assert cli.main([*words, "--name", "bed-7", "--set", "serial_prot=usb"]) == 2
    assert "do you mean serial_port?" in capsys.readouterr().err
    assert cli.main([*words, "--name", "bed-7", "--release", "bed-7"]) == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_of_other_editors_are_read(tmp_path: Path, encoding: str) -> None:
    table, shared = tmp_path / "boards.csv", tmp_path / "site.json"
    text = "name,port\r\nKüche,/dev/ttyACM0\r\n"
    table.write_bytes(text.encode(encoding))
    shared.write_bytes(json.dumps(settings(), indent=1).replace("\n", "\r\n").encode(encoding))
    (row,) = rows.read_csv(table, rows.read_settings(shared))
    assert row.name == "Küche"


def test_files_in_latin_1_are_refused_in_a_sentence(tmp_path: Path) -> None:
    table = tmp_path / "boards.csv"
    table.write_bytes("name,port\nKüche,/dev/ttyACM0\n".encode("latin-1"))
    assert faults_of(table) == [
        f"{table} is not UTF-8 (line 2), and looks like Latin-1 or Windows-1252: save it as UTF-8"
    ]
