"""Networks in floating point in ONNX files, turned into PyTorch modules by onnx2pytorch."""

from pathlib import Path
from typing import Any

import numpy as np

from silicodec.models.networks.network import NetworkError
from silicodec.models.networks.onnx.contents import OnnxFile


def read_module(file: OnnxFile, path: Path) -> Any:
    """Turn a file into a `torch.nn.Module` that takes any number of images.

    Raises
    ------
    NetworkError
        When onnx2pytorch does not know what the file holds, or cannot be imported.
    """
    try:
        from onnx2pytorch import ConvertModel

        return ConvertModel(_for_any_batch(file.model), experimental=True).eval()
    except Exception as error:  # whatever the converter raises
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise NetworkError(f"{path} cannot be turned into a PyTorch module: {reason}") from error


def _for_any_batch(model: Any) -> Any:
    """Let reshapes keep the number of images, where they have the one that the network was exported with.

    PyTorch's exporter writes ``reshape(maps, [1, 256])``; a size of 0 is the input's, unless ``allowzero`` is set.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.ModelProto.FromString(model.SerializeToString())
    reshapes = [node for node in model.graph.node if node.op_type == "Reshape"]
    shapes = {node.input[1] for node in reshapes}
    tensors = [entry for entry in model.graph.initializer if entry.name in shapes]
    for node in model.graph.node:
        if node.op_type == "Constant" and node.output[0] in shapes:
            tensors += [entry.t for entry in node.attribute if entry.name == "value"]
    for tensor in tensors:
        sizes = numpy_helper.to_array(tensor)
        if len(sizes) > 1 and sizes[0] == 1:
            tensor.CopyFrom(numpy_helper.from_array(np.append(np.int64(0), sizes[1:]), tensor.name))
    for node in reshapes:
        kept = [entry for entry in node.attribute if entry.name != "allowzero"]
        del node.attribute[:]
        node.attribute.extend(kept)
    return model
