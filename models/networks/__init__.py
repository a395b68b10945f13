"""Networks by name, with their weights and images."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from silicodec.models.errors import unknown_name
from silicodec.models.networks.cifar10 import CifarResNet
from silicodec.models.networks.custom import file_network, function_network, onnx_network
from silicodec.models.networks.digits import Digits, QuantisedDigits
from silicodec.models.networks.digits import build as build_digits
from silicodec.models.networks.imagenet import DEVIATION, MEAN, SqueezeNet10, TorchvisionNetwork
from silicodec.models.networks.integer import CifarTFLiteNetwork, QuantisedNetwork, TFLiteNetwork
from silicodec.models.networks.mnist import Mnist, build_lenet5, build_perceptron
from silicodec.models.networks.network import Images, Network, NetworkError

__all__ = ["NETWORKS", "Images", "Network", "NetworkError", "get_network"]

_CIFAR10 = "CIFAR-10, 2000 test images, from JPEG copies"
_PHOTOGRAPHS = "ImageNet, 24 photographs to choose on and 176 to report on"

_cifar_resnet = partial(
    CifarResNet,
    source="SILICODEC_DATA/weights",
    data_set=_CIFAR10,
    input_shape=(3, 32, 32),
    mean=MEAN,
    deviation=DEVIATION,
)
_mnist = partial(
    Mnist,
    source="in the package, trained by scripts/train_networks.py",
    data_set="MNIST, 1000 digits held out of training and 2000 test digits",
    input_shape=(1, 28, 28),
    mean=(0.0,),
    deviation=(1.0,),
)
_torchvision = partial(
    TorchvisionNetwork,
    source="torchvision, downloaded on first use",
    data_set=_PHOTOGRAPHS,
    input_shape=(3, 224, 224),
    mean=MEAN,
    deviation=DEVIATION,
)
_TORCHVISION = {
    "alexnet": "Krizhevsky 2014 (arXiv 1404.5997)",
    "vgg16": "Simonyan and Zisserman 2014 (arXiv 1409.1556)",
    "vgg16_bn": "the same with batch normalisation",
    "resnet18": "He et al. 2016 (arXiv 1512.03385)",
    "resnet34": "He et al. 2016 (arXiv 1512.03385)",
    "resnet50": "He et al. 2016 (arXiv 1512.03385)",
    "mobilenet_v2": "Sandler et al. 2018 (arXiv 1801.04381)",
    "squeezenet1_1": "Iandola et al. 2016 (arXiv 1602.07360)",
}

_RESNETS = [
    _cifar_resnet(name="resnet20", summary="ResNet-20, He et al. 2016 (arXiv 1512.03385)", top1=0.8135),
    _cifar_resnet(name="resnet56", summary="ResNet-56, He et al. 2016 (arXiv 1512.03385)", top1=0.8315),
]


def _quantised(base: Network, top1: float, kind: type[QuantisedNetwork] = QuantisedNetwork) -> QuantisedNetwork:
    shared = {name: getattr(base, name) for name in ("source", "data_set", "input_shape", "mean", "deviation")}
    return kind(
        name=f"{base.name}-int8",
        summary=f"{base.name} in 8-bit integers, quantised here",
        top1=top1,
        base=base,
        **shared,
    )


_DIGITS = Digits(
    name="digits",
    summary="three-layer CNN, embedded",
    source="in the package, trained by scripts/train_networks.py",
    data_set="scikit-learn's digits, 450 test images",
    input_shape=(1, 8, 8),
    mean=(0.0,),
    deviation=(1.0,),
    top1=0.9933,
    build=build_digits,
)

_ALL = [
    _DIGITS,
    _quantised(_DIGITS, 0.9933, QuantisedDigits),
    _mnist(name="lenet5", summary="LeNet-5, LeCun et al. 1998, pruned", build=build_lenet5, density=0.03, top1=0.987),
    _mnist(
        name="perceptron", summary="perceptron 784-300-10, pruned", build=build_perceptron, density=0.0042, top1=0.9447
    ),
    *_RESNETS,
    *(_quantised(base, top1) for base, top1 in zip(_RESNETS, (0.8175, 0.8335), strict=True)),
    CifarTFLiteNetwork(
        name="resnet8",
        summary="ResNet-8, 8-bit integers, MLPerf Tiny, Banbury et al. 2021 (arXiv 2106.07597)",
        source="SILICODEC_DATA/weights",
        data_set=_CIFAR10,
        input_shape=(3, 32, 32),
        mean=(0.0,) * 3,
        deviation=(1 / 255,) * 3,
        top1=0.7625,
        file="weights/mlperf_tiny/pretrainedResnet_quant.tflite",
    ),
    TFLiteNetwork(
        name="mobilenetv2-int8",
        summary="MobileNetV2, 8-bit integers, Jacob et al. 2018 (arXiv 1712.05877)",
        source="SILICODEC_DATA/weights",
        data_set=_PHOTOGRAPHS,
        input_shape=(3, 224, 224),
        mean=(0.5, 0.5, 0.5),
        deviation=(0.5, 0.5, 0.5),
        top1=0.885,
        file="weights/mobilenet_v2_imagenet_int8.tflite",
        first_class=1,  # class 0 of 1001 is the background
    ),
    SqueezeNet10(
        name="squeezenet1_0",
        summary="SqueezeNet 1.0, Iandola et al. 2016 (arXiv 1602.07360)",
        source="SILICODEC_DATA/weights",
        data_set=_PHOTOGRAPHS,
        input_shape=(3, 227, 227),
        mean=(123 / 255, 117 / 255, 104 / 255),
        deviation=(1 / 255, 1 / 255, 1 / 255),
        top1=0.625,
    ),
    *(_torchvision(name=name, summary=summary) for name, summary in _TORCHVISION.items()),
]

NETWORKS: dict[str, Network] = {network.name: network for network in _ALL}
"""The known networks by name."""


def get_network(name: str, weights: str | Path | None = None, **changes: Any) -> Network:
    """Find a network by its name, or make one of a file or a function.

    Parameters
    ----------
    name : str
        A key of `NETWORKS`; or a file in integers, ``.tflite`` or ``.npz`` as `silicodec quantise` writes it; or an
        ``.onnx`` file; or a function that makes a `torch.nn.Module`, ``package.module:name`` or ``FILE.py:name``.
    weights : path, optional
        File of weights to use instead of the network's own.
    **changes
        ``input_shape``, ``mean`` or ``deviation`` instead of the network's own, where not None.

    Raises
    ------
    NetworkError
        For a name that is none of these; the message suggests the known ones that are like it.
    """
    if name in NETWORKS:
        network: Network = NETWORKS[name]
    elif Path(name).suffix in (".tflite", ".npz"):
        network = file_network(Path(name))
    elif Path(name).suffix == ".onnx":
        network = onnx_network(Path(name))
    elif ":" in name:
        network = function_network(name)
    else:
        raise NetworkError(unknown_name("network", name, NETWORKS))
    given = {key: value for key, value in changes.items() if value is not None}
    shape = given.get("input_shape", network.input_shape)
    if len(shape) != 3 or min(shape) < 1:
        raise NetworkError(f"a shape must be channels, height and width, not {shape}")
    for key in ("mean", "deviation"):
        if len(given.get(key, getattr(network, key))) != shape[0]:
            raise NetworkError(f"the {key} must have a number for each of {shape[0]} channels")
    if weights is not None:
        given["weights"] = Path(weights)
    return replace(network, **given) if given else network
