"""`countersign gateway repair` as an operator runs it, on a site of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from countersign_cli import site_folder
from support.gateway.local_chain import CHAIN_ID, LocalChain

pytestmark = pytest.mark.chain


def repair(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "countersign_cli.cli", "gateway", "repair", "--config"]
    return subprocess.run(
        [*command, str(config), *options], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_new_site_claims_its_log_and_changes_its_ledger_key(
    chain: LocalChain, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    made = site_folder.create_site(
        folder,
        "store-17",
        listen="127.0.0.1:0",
        ledger=site_folder.LedgerAddresses(
            rpc_urls=[chain.rpc_url],
            chain_id=CHAIN_ID,
            commitment_log=chain.commitment_log,
            device_registry=chain.device_registry,
        ),
    )
    config = made.config_path
    config.write_text(config.read_text() + 'finality = "instant"\npoll_interval_s = 0.05\n')

    looked = repair(config)
    assert looked.returncode == 1, looked.stderr
    assert "No gateway has claimed this log" in looked.stdout
    assert "--apply to claim the log" in looked.stdout.splitlines()[-1]
    poor = repair(config, "--apply")
    assert poor.returncode == 1 and "money for gas" in poor.stderr

    chain.fund(made.ledger_account)
    mended = repair(config, "--apply")
    assert (mended.returncode, mended.stderr) == (0, "")
    assert repair(config).returncode == 0

    looked = repair(config, "--new-ledger-key")
    assert looked.returncode == 1
    assert "whose address the first run with --apply says, needs money" in looked.stdout

    # Changing the key needs an account with money: the first run makes it and says so.
    poor = repair(config, "--apply", "--new-ledger-key")
    assert poor.returncode == 1 and "money for gas" in poor.stderr
    account = bytes.fromhex(poor.stderr.split("0x")[1][:40])
    assert (
        f"The new account, 0x{account.hex()}, needs money"
        in repair(config, "--new-ledger-key").stdout
    )
    chain.fund(account)
    changed = repair(config, "--apply", "--new-ledger-key")
    assert (changed.returncode, changed.stderr) == (0, "")
    assert f"0x{account.hex()} goes on after batch 0" in changed.stdout
    last = changed.stdout.splitlines()[-1]
    assert "What is left is the owner's: to appoint" in last and account.hex() in last
    assert repair(config).returncode == 0
    kept = sorted(path.name for path in folder.glob("ledger.key*"))
    assert kept == ["ledger.key", f"ledger.key.{made.ledger_account.hex()}"]
    secrets = [path.read_text().strip() for path in folder.glob("*.key*")]
    said = looked.stdout + mended.stdout + changed.stdout + poor.stderr
    assert not [secret for secret in secrets if secret in said]


def test_a_site_without_a_ledger_has_nothing_to_repair(tmp_path: Path) -> None:
    made = site_folder.create_site(tmp_path / "site", "store-17", listen="127.0.0.1:0")
    done = repair(made.config_path)
    assert done.returncode == 1 and "no ledger" in done.stderr
