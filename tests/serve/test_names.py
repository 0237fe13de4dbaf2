import pytest

from adapter.serve.names import function_name


@pytest.mark.parametrize(
    ("application", "name"),
    [("default", "Model"), ("shop", "shop-Model")],
)
def test_function_is_called_after_deployment_and_application(application: str, name: str) -> None:
    assert function_name("Model", application) == name
