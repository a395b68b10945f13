"""Published figures to put beside measured ones."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedRatio:
    """A compression ratio from a paper.

    Attributes
    ----------
    network : str
        The network in the paper's words.
    codec : str
        Name in `catalog.CODECS`.
    ratio : float
        Bits before over bits after, over all feature maps of the network.
    source : str
        The paper.
    """

    network: str
    codec: str
    ratio: float
    source: str


EBPC_PAPER = "Cavigelli, Rutishauser, Benini 2019 (arXiv 1908.11645)"

PUBLISHED_RATIOS = [
    PublishedRatio("AlexNet", "ebpc", 5.1, EBPC_PAPER),
    PublishedRatio("VGG-16", "ebpc", 4.0, EBPC_PAPER),
    PublishedRatio("ResNet-34", "ebpc", 2.4, EBPC_PAPER),
    PublishedRatio("MobileNetV2", "ebpc", 2.2, EBPC_PAPER),
]
