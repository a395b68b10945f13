"""Networks by name, with their weights and images."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from silicodec.models.errors import unknown_name
from silicodec.models.networks.cifar10 import CifarResNet
from silicodec.models.networks.digits import Digits
from silicodec.models.networks.imagenet import DEVIATION, MEAN, TorchvisionNetwork
from silicodec.models.networks.integer import QuantisedNetwork, TFLiteNetwork
from silicodec.models.networks.mnist import Mnist, build_lenet5, build_perceptron
from silicodec.models.networks.network import Images, Network, NetworkError

__all__ = ["NETWORKS", "Images", "Network", "NetworkError", "get_network"]

_cifar_resnet = partial(
    CifarResNet,
    source="SILICODEC_DATA/weights",
    data_set="CIFAR-10, 2000 test images",
    input_shape=(3, 32, 32),
    mean=MEAN,
    deviation=DEVIATION,
)
_mnist = partial(
    Mnist,
    source="trained on first use, then cached",
    data_set="MNIST, 1000 digits held out of training and 2000 test digits",
    input_shape=(1, 28, 28),
    mean=(0.0,),
    deviation=(1.0,),
)
_torchvision = partial(
    TorchvisionNetwork,
    source="torchvision, downloaded on first use",
    data_set="ImageNet photographs",
    input_shape=(3, 224, 224),
    mean=MEAN,
    deviation=DEVIATION,
)
_TORCHVISION = {
    "alexnet": "Krizhevsky 2014 (arXiv 1404.5997)",
    "vgg16": "Simonyan and Zisserman 2014 (arXiv 1409.1556)",
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


def _quantised(base: Network, top1: float) -> QuantisedNetwork:
    shared = {name: getattr(base, name) for name in ("source", "data_set", "input_shape", "mean", "deviation")}
    return QuantisedNetwork(
        name=f"{base.name}-int8",
        summary=f"{base.name} in 8-bit integers, quantised here",
        top1=top1,
        base=base,
        **shared,
    )


_ALL = [
    Digits(
        name="digits",
        summary="three-layer CNN, embedded",
        source="trained on first use, then cached",
        data_set="scikit-learn's digits, 450 test images",
        input_shape=(1, 8, 8),
        mean=(0.0,),
        deviation=(1.0,),
        top1=0.9933,
    ),
    _mnist(name="lenet5", summary="LeNet-5, LeCun et al. 1998, pruned", build=build_lenet5, density=0.03, top1=0.9907),
    _mnist(
        name="perceptron", summary="perceptron 784-300-10, pruned", build=build_perceptron, density=0.0042, top1=0.9447
    ),
    *_RESNETS,
    *(_quantised(base, top1) for base, top1 in zip(_RESNETS, (0.8175, 0.8335), strict=True)),
    TFLiteNetwork(
        name="mobilenetv2-int8",
        summary="MobileNetV2, 8-bit integers, Jacob et al. 2018 (arXiv 1712.05877)",
        source="SILICODEC_DATA/weights",
        data_set="ImageNet, 24 photographs",
        input_shape=(3, 224, 224),
        mean=(0.5, 0.5, 0.5),
        deviation=(0.5, 0.5, 0.5),
        top1=0.9167,
    ),
    *(_torchvision(name=name, summary=summary) for name, summary in _TORCHVISION.items()),
]

NETWORKS: dict[str, Network] = {network.name: network for network in _ALL}
"""The known networks by name."""


def get_network(name: str, weights: str | Path | None = None) -> Network:
    """Find a network by its name.

    Parameters
    ----------
    name : str
        A key of `NETWORKS`.
    weights : path, optional
        File of weights to use instead of the network's own.

    Raises
    ------
    NetworkError
        For an unknown name; the message lists the known ones.
    """
    try:
        network = NETWORKS[name]
    except KeyError:
        raise NetworkError(unknown_name("network", name, NETWORKS)) from None
    return network if weights is None else replace(network, weights=Path(weights))
