"""Networks whose convolutions compute the components of transform coding, at no cost.

B. Chmiel and others, "Feature Map Transform Coding for Energy-Efficient CNN Inference", arXiv 1905.10830: a linear
transform of a convolution's output channels is a product with the convolution's weights.
"""

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from silicodec.models.networks.capture import CaptureError, convolutions


def fold_bases(model: nn.Module, bases: Mapping[str, np.ndarray]) -> nn.Module:
    """Multiply bases into the convolutions of a network, which then compute components; their inverses follow.

    Parameters
    ----------
    model : torch.nn.Module
        The network, in evaluation mode.
    bases : mapping of str to numpy.ndarray
        By name in `silicodec.models.networks.capture.convolutions`: an orthonormal basis, (C, C), a component a row.

    Returns
    -------
    torch.nn.Module
        A copy that computes the same. A folded convolution, its batch normalisation included, puts out components;
        a convolution of 1 x 1 pixels, in the place of the batch normalisation or after the folded one, restores the
        channels.

    Raises
    ------
    CaptureError
        When there is no such convolution, it has groups, or the basis has another size.
    """
    model = copy.deepcopy(model)
    leaves = [name for name, module in model.named_modules() if not any(module.children())]
    for name, basis in bases.items():
        module = convolutions(model).get(name)
        if module is None:
            raise CaptureError(f"the network has no convolution '{name}' to fold a basis into")
        normalisation = module if isinstance(module, nn.BatchNorm2d) else None
        path = leaves[leaves.index(name) - 1] if normalisation else name
        convolution = model.get_submodule(path)
        assert isinstance(convolution, nn.Conv2d)
        if convolution.groups != 1 or basis.shape != (convolution.out_channels,) * 2:
            raise CaptureError(
                f"a basis of {basis.shape} elements cannot be folded into '{path}', which has {convolution.groups} "
                f"groups and puts out {convolution.out_channels} channels"
            )
        fused = fuse_conv_bn_eval(convolution, normalisation) if normalisation else copy.deepcopy(convolution)
        folded, inverse = _folded(fused, torch.from_numpy(basis).to(fused.weight.dtype))
        model.set_submodule(path, folded if normalisation else nn.Sequential(folded, inverse))
        if normalisation:
            model.set_submodule(name, inverse)
    return model


def _folded(convolution: nn.Conv2d, basis: torch.Tensor) -> tuple[nn.Conv2d, nn.Conv2d]:
    """Multiply a basis into a convolution, in place; returns it and the convolution that undoes the basis."""
    inverse = nn.Conv2d(len(basis), len(basis), kernel_size=1, bias=False)
    inverse.weight = nn.Parameter(basis.T[:, :, None, None].contiguous())
    with torch.no_grad():
        convolution.weight = nn.Parameter(torch.tensordot(basis, convolution.weight, dims=1))
        if convolution.bias is not None:
            convolution.bias = nn.Parameter(basis @ convolution.bias)
    return convolution, inverse.eval()
