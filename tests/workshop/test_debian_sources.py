"""The machine's own apt sources are read in both of apt's formats."""

from pathlib import Path

import pytest

from countersign_workshop.parts import apt_sources

DEB822 = """\
# A comment before anything.
Types: deb deb-src
URIs: http://mirror.example/debian http://second.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://switched-off.example/debian
Suites: trixie
Components: main
Enabled: no

Types: deb-src
URIs: http://sources-only.example/debian
Suites: trixie
Components: main
"""

EMBEDDED_KEY = """\
Types: deb
URIs: http://mirror.example/debian
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64] http://packages.example/apt cloud-bookworm main
deb [arch=amd64 signed-by=/etc/keys/debian.gpg] http://mirror.example/debian sid main contrib #x
"""


def test_deb822_stanzas():
    sources = list(apt_sources.parse_deb822(DEB822))
    assert [source.uri for source in sources] == [
        "http://mirror.example/debian",
        "http://second.example/debian",
        "http://mirror.example/debian-security",
    ]
    assert sources[0].suites == ("bookworm", "bookworm-updates")
    assert sources[0].signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg"


def test_an_embedded_key_keeps_its_shape():
    (source,) = apt_sources.parse_deb822(EMBEDDED_KEY)
    assert source.signed_by.splitlines() == EMBEDDED_KEY.split("Signed-By:")[1].splitlines()


def test_one_line_options():
    sources = list(apt_sources.parse_one_line(ONE_LINE))
    assert [source.uri for source in sources] == [
        "http://packages.example/apt",
        "http://mirror.example/debian",
    ]
    assert sources[1].signed_by == "/etc/keys/debian.gpg"
    assert sources[1].components == ("main", "contrib")


def test_only_debians_main_archive_will_do():
    archive = apt_sources.debian_archive(apt_sources.parse_one_line(ONE_LINE))
    assert archive.uri == "http://mirror.example/debian"
    security = apt_sources.Source("http://m.example", ("bookworm-security",), ("main",), "")
    with pytest.raises(apt_sources.DebianError):
        apt_sources.debian_archive([security])


def test_system_sources_reads_both_formats_in_order(tmp_path: Path):
    (tmp_path / "sources.list").write_text("deb http://first.example/debian trixie main\n")
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "a.sources").write_text(DEB822)
    (folder / "b.list").write_text(ONE_LINE)
    (folder / "c.sources.disabled").write_text(DEB822)
    uris = [source.uri for source in apt_sources.system_sources(tmp_path)]
    assert uris[0] == "http://first.example/debian"
    assert len(uris) == 6


def test_no_sources_at_all(tmp_path: Path):
    assert apt_sources.system_sources(tmp_path) == []
