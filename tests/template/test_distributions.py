from adapter.template.distributions import missing


def test_module_without_a_requirement_is_missing() -> None:
    assert list(missing(["yaml", "click"], ["click"])) == [("yaml", "PyYAML")]


def test_requirement_brings_its_own_requirements() -> None:
    assert list(missing(["pydantic", "starlette"], ["fastapi>=0.136"])) == []


def test_extra_brings_what_only_it_requires() -> None:
    assert list(missing(["cryptography"], ["moto"])) == []
    assert list(missing(["docker"], ["moto"])) == [("docker", "docker")]
    assert list(missing(["docker"], ["moto[server]"])) == []


def test_runtime_of_lambda_has_boto3() -> None:
    assert list(missing(["boto3", "botocore"], [])) == []


def test_module_that_is_not_installed_may_be_optional() -> None:
    assert list(missing(["no_such_module"], [])) == []


def test_nothing_imported_needs_nothing() -> None:
    assert list(missing([], [])) == []
