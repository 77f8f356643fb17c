"""Usage: check_onnx.py FILE... Debian's ONNX checker with full shape inference: the oracle of tests/export/test_onnx.c. Exit code 77: no such module."""
import sys

try:
    import onnx
    from onnx import checker, shape_inference
except ImportError:
    sys.exit(77)
for path in sys.argv[1:]:
    model = onnx.load(path)
    checker.check_model(model, full_check=True)
    inferred = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    known = {value.name for value in list(inferred.graph.value_info) + list(inferred.graph.output)}
    for node in model.graph.node:
        for name in node.output:
            if name not in known:
                sys.exit(f"{path}: the shape of {name} is unknown")
    assert model.ir_version <= 8 and [(entry.domain, 13 <= entry.version <= 17) for entry in model.opset_import] == [("", True)], path
    assert [value.name for value in model.graph.input] == ["images"] and [value.name for value in model.graph.output] == ["logits"], path
