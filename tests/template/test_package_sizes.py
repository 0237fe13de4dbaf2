from pathlib import Path

import pytest

from adapter.errors import StackError
from adapter.template.package_sizes import (
    MAX_UNZIPPED,
    PackageSize,
    TooLarge,
    package_sizes,
    too_large,
)
from tests.template.plans import application, function, gateway

MB = 1024 * 1024
LONG_FORM = "Layers: [{Ref: Adapter}, {Ref: Dependencies}]"
SHORT_FORM = "Layers: [!Ref Adapter, !Ref Dependencies]"
TEMPLATE = """
Globals:
  Function:
    {layers}
    Timeout: 30
Resources:
  Gateway:
    Properties: {{FunctionName: !Sub "${{AWS::StackName}}-Gateway", CodeUri: Gateway}}
  Model:
    Properties:
      Layers: [{{Ref: Extension}}, "arn:aws:lambda:eu-west-1:123456789012:layer:fonts:7"]
      Role: !GetAtt ModelRole.Arn
"""


def sized(path: Path, size: int) -> None:
    """Make a file of a size without writing it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


@pytest.fixture(params=[LONG_FORM, SHORT_FORM])
def built(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    (tmp_path / "template.yaml").write_text(TEMPLATE.format(layers=request.param))
    sized(tmp_path / "Gateway/app.py", 1000)
    sized(tmp_path / "Model/app.py", 1000)
    sized(tmp_path / "Adapter/python/adapter/function.py", MB)
    sized(tmp_path / "Dependencies/python/torch/lib/libtorch.so", 200 * MB)
    sized(tmp_path / "Dependencies/python/numpy.libs/libblas.so", 20 * MB)
    sized(tmp_path / "Dependencies/python/numpy/core.so", 10 * MB)
    sized(tmp_path / "Extension/extensions/adapter-shutdown", 18 * MB)
    return tmp_path


PLAN = application(gateway(), function("Model"))


def test_function_is_measured_with_all_its_layers(built: Path) -> None:
    assert too_large(built, PLAN) == ()

    sized(built / "Model/numpy/more.so", 2 * MB)
    [found] = too_large(built, PLAN)

    assert found.function.name == "Model"  # the extension is not a layer of the other one
    assert found.size == 251 * MB + 1000
    assert found.packages[:3] == (
        PackageSize(name="torch", size=200 * MB),
        PackageSize(name="numpy", size=32 * MB),
        PackageSize(name="extensions", size=18 * MB),
    )


def test_limit_itself_is_not_too_much(built: Path) -> None:
    sized(built / "Gateway/app.py", MAX_UNZIPPED - 231 * MB)
    assert too_large(built, PLAN) == ()

    sized(built / "Gateway/app.py", MAX_UNZIPPED - 231 * MB + 1)
    assert [one.function.name for one in too_large(built, PLAN)] == ["Gateway"]


def test_image_is_not_measured(built: Path) -> None:
    sized(built / "Model/big.so", 300 * MB)

    assert too_large(built, application(gateway(), function("Model", package="image"))) == ()


def test_what_sam_has_built_has_to_be_a_template(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources: [")

    with pytest.raises(StackError, match="the template is not valid YAML"):
        too_large(tmp_path, PLAN)


def test_nothing_built_is_not_too_large(tmp_path: Path) -> None:
    assert too_large(tmp_path / "missing", PLAN) == ()


def test_reason_names_the_largest() -> None:
    packages = tuple(PackageSize(name=f"package{n}", size=(60 - n) * MB) for n in range(6))

    reason = TooLarge(function=function("Model"), size=345 * MB, packages=packages).reason

    assert reason.startswith("345 MB unzipped with its layers; Lambda takes 250 MB. ")
    assert "package0 60 MB, package1 59 MB" in reason
    assert "package5" not in reason


def test_what_pip_puts_beside_a_package_counts_as_the_package(tmp_path: Path) -> None:
    sized(tmp_path / "numpy/core.so", 5)
    sized(tmp_path / "numpy.libs/blas.so", 3)
    sized(tmp_path / "numpy-2.4.1.dist-info/METADATA", 2)
    sized(tmp_path / "six.py", 7)

    assert package_sizes(tmp_path) == {"numpy": 10, "six.py": 7}
