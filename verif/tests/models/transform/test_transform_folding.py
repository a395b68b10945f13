"""Bases folded into convolutions: the network computes the same, and its convolutions compute the components."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from silicodec.models.networks.capture import CaptureError, convolutions  # noqa: E402
from silicodec.models.networks.resnet import ResNet  # noqa: E402
from silicodec.models.transform.folding import fold_bases  # noqa: E402


def random_basis(size, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def resnet():
    """A network with random weights and statistics."""
    torch.manual_seed(0)
    model = ResNet(blocks_per_stage=1).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_()
    return model


def outputs(model, images, *names):
    """Scores, and outputs of some modules."""
    kept = []
    hooks = [model.get_submodule(name).register_forward_hook(lambda _m, _i, out: kept.append(out)) for name in names]
    with torch.inference_mode():
        scores = model(images)
    for hook in hooks:
        hook.remove()
    return [scores, *kept]


def test_a_folded_network_computes_the_same():
    model = resnet()
    bases = {name: random_basis(m.num_features, seed) for seed, (name, m) in enumerate(convolutions(model).items())}
    assert len(bases) == 7
    images = torch.randn(4, 3, 32, 32)
    before, maps = outputs(model, images, "layer2.0.bn1")
    after, components, restored = outputs(fold_bases(model, bases), images, "layer2.0.conv1", "layer2.0.bn1")
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(restored, maps, rtol=1e-3, atol=1e-3)
    basis = torch.from_numpy(bases["layer2.0.bn1"]).float()
    torch.testing.assert_close(components, torch.einsum("ic,ncyx->niyx", basis, maps), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(outputs(model, images)[0], before, rtol=0, atol=0)


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_without_normalisation(bias):
    model = nn.Sequential(nn.Conv2d(3, 5, 3, bias=bias), nn.ReLU()).eval()
    images = torch.randn(2, 3, 8, 8)
    folded = fold_bases(model, {"0": random_basis(5, 0)})
    torch.testing.assert_close(folded(images), model(images))


def test_bases_that_do_not_fit():
    model = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 8, 1)).eval()
    for name, size, message in (("0", 4, "4 groups"), ("1", 4, "8 channels"), ("2", 4, "no convolution '2'")):
        with pytest.raises(CaptureError, match=message):
            fold_bases(model, {name: random_basis(size, 0)})
