import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from adapter.stack import sam
from adapter.stack.sam import SamInterrupted, capabilities, deploy_arguments, run_sam
from tests.cli import stub_sam
from tests.local.world import wait_for_end


def arguments(template: dict[str, Any], **parameters: Any) -> list[str]:
    return deploy_arguments(template, parameters, stack="shop", region=None, profile=None)


def test_named_roles_and_nested_applications_need_more() -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "admin"}}
    nested = {"Type": "AWS::Serverless::Application", "Properties": {}}

    assert capabilities({"Resources": {"Role": {"Type": "AWS::IAM::Role"}}}) == ["CAPABILITY_IAM"]
    assert capabilities({"Resources": {"Role": role, "Other": nested}}) == [
        "CAPABILITY_NAMED_IAM",
        "CAPABILITY_AUTO_EXPAND",
    ]


def test_images_get_a_repository_where_none_is_configured() -> None:
    image = {"Resources": {"Model": {"Properties": {"PackageType": "Image"}}}}

    assert "--resolve-image-repos" in arguments(image)
    assert "--resolve-image-repos" not in arguments(image, image_repository="x")
    assert "--resolve-image-repos" not in arguments({"Resources": {}})


def test_a_child_that_ignores_signals_is_killed_with_its_children(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stub = stub_sam.install(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{stub}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SAM_STUB", "stubborn")
    monkeypatch.setattr(sam, "_GRACE_S", 0.2)
    hanging: list[str] = []

    def interrupt() -> None:
        while not hanging:
            hanging.extend(line for line in capfd.readouterr().out.splitlines() if "hang" in line)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(SamInterrupted) as interrupted:
        run_sam(["deploy"], tmp_path)
    thread.join()

    assert interrupted.value.number == signal.SIGINT
    wait_for_end(map(int, hanging[0].split()[1:]))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_child_that_a_signal_ends_has_the_shells_exit_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = tmp_path / "sam"
    command.write_text("#!/bin/sh\nkill -9 $$\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    assert run_sam(["build"], tmp_path) == 137
