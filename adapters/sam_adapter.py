"""SAM-Adapter: prompts from patch embeddings and high frequencies, added to every block."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from segment_anything.modeling.prompt_encoder import PositionEmbeddingRandom
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter, SerialSettings
from samfit.adapters.core.settings import Positive, Share
from samfit.adapters.parts.highpass import high_frequency
from samfit.adapters.sam.backbone import Backbone, Need
from samfit.adapters.sam.changes import after, before, override
from samfit.errors import UserError


@dataclass(frozen=True, kw_only=True)
class SamAdapterSettings(SerialSettings):
    """Hyper-parameters of SAM-Adapter.

    Attributes:
        variant: ``official``, or ``cad``: the re-implementation that CAD's authors compare with.
        reduction: official variant: the prompts' hidden width is D / reduction.
        scramble: official variant: re-read the channels-last patch embedding as if it were
            channels-first, as the official code does; False is what the paper describes.
        train_no_mask_embed: official variant: as in every method, but true by default, as in the
            official code; the cad variant never does.
        random_pe: official variant: start from a random positional encoding and a random "no mask"
            embedding in place of SAM's, as the official code does by loading the checkpoint
            non-strictly; detaching restores SAM's.
        feature_width: cad variant: width of the shared feature.
        hidden_width: cad variant: hidden width of each adapter.
        high_frequency_ratio: share of the spectrum removed for the high-frequency input.
    """

    variant: Literal["official", "cad"] = "official"
    reduction: Positive = 32
    scramble: bool = True
    train_no_mask_embed: bool = True
    random_pe: bool = False
    feature_width: Positive = 192
    hidden_width: Positive = 32
    high_frequency_ratio: Share = 0.25


class OfficialPrompts(nn.Module):
    """The official prompt generator.

    F = W_e·scr(Z) + conv(highpass(x)), P_i = U·GELU(T_i F), with Z (B, g, g, D) the patch embedding
    before the position embedding, x (B, 3, S, S) normalised pixels, F (B, g, g, d), d = D / 32, and
    U shared by all blocks.
    """

    def __init__(self, width: int, depth: int, patch: int, settings: SamAdapterSettings) -> None:
        super().__init__()
        hidden = width // settings.reduction
        if hidden == 0:
            raise UserError(
                f"sam_adapter: setting reduction must be at most the backbone's width {width}, "
                f"got {settings.reduction}."
            )
        self.settings = settings
        self.embedding = nn.Linear(width, hidden)
        self.frequency = nn.Conv2d(3, hidden, kernel_size=patch, stride=patch)
        self.block_layers = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(depth))
        self.shared = nn.Linear(hidden, width)
        # The official initialisation truncates, at 100 standard deviations.
        for layer in (self.embedding, self.shared, *self.block_layers):
            _init_normal(layer, std=0.02)
        _init_normal(self.frequency, std=(2 / (patch * patch * hidden)) ** 0.5)

    def features(self, pixels: Tensor, patches: Tensor) -> Tensor:
        """F (B, g, g, d) from pixels (B, 3, S, S) and patch embedding (B, g, g, D)."""
        high = high_frequency(pixels, self.settings.high_frequency_ratio).to(pixels.dtype)
        tokens = _scramble(patches) if self.settings.scramble else patches
        return self.embedding(tokens) + self.frequency(high).permute(0, 2, 3, 1)

    def prompt(self, index: int, features: Tensor) -> Tensor:
        """P_i (B, g, g, D), added to the input of block i."""
        return self.shared(F.gelu(self.block_layers[index](features)))


class CadPrompts(nn.Module):
    """The re-implementation in the CAD authors' repository.

    F = W_e·(Z + pos) + W_h·patches(highpass(x)), A_j(F) = U·GELU(T_j F) with F (B, g, g, 192),
    T_j: 192 -> 32 and U: 32 -> D shared. A_0 is added before the first block, A_{i+1} after
    block i.
    """

    def __init__(self, width: int, depth: int, patch: int, settings: SamAdapterSettings) -> None:
        super().__init__()
        feature, hidden = settings.feature_width, settings.hidden_width
        self.settings, self.patch = settings, patch
        self.embedding = nn.Linear(width, feature)
        self.frequency = nn.Linear(3 * patch * patch, feature)
        self.block_layers = nn.ModuleList(nn.Linear(feature, hidden) for _ in range(depth + 1))
        self.shared = nn.Linear(hidden, width)

    def features(self, pixels: Tensor, tokens: Tensor) -> Tensor:
        """F (B, g, g, 192) from pixels (B, 3, S, S) and the first block's input (B, g, g, D)."""
        high = high_frequency(pixels, self.settings.high_frequency_ratio).to(pixels.dtype)
        flat = F.unfold(high, self.patch, stride=self.patch).transpose(1, 2)
        flat = flat.unflatten(1, tokens.shape[1:3])
        return self.embedding(tokens) + self.frequency(flat)

    def prompt(self, index: int, features: Tensor) -> Tensor:
        """A_j (B, g, g, D)."""
        return self.shared(F.gelu(self.block_layers[index](features)))


class SamAdapter(Adapter):
    """Add task prompts, made once per image, to the token stream of every block.

    New parameters, official: 63,312 (ViT-B), 116,544 (ViT-L), 186,960 (ViT-H), and 256 of SAM's
    own; variant ``cad``: 400,928, 532,640 and 639,648.

    Source: arXiv 2304.09148; the default follows the official code, not Fig. 1 of the paper, which
    draws one adapter more and no scramble. The official training starts from a random positional
    encoding and a random "no mask" embedding, an effect of non-strict loading; here both are SAM's,
    unless ``random_pe`` asks for the literal behaviour.
    """

    Settings = SamAdapterSettings
    title = "SAM-Adapter"
    source = "arXiv 2304.09148"
    encoder_gradients = True
    starts_as_identity = False

    def __init__(self, sam: Backbone, settings: SamAdapterSettings) -> None:
        if settings.variant == "cad":
            settings = replace(settings, train_no_mask_embed=False, random_pe=False)
        super().__init__(sam, settings)
        projection = sam.patch_projection
        depth = len(sam.blocks)
        generator = CadPrompts if settings.variant == "cad" else OfficialPrompts
        self.prompts: OfficialPrompts | CadPrompts = generator(
            projection.out_channels, depth, projection.kernel_size[0], settings
        )
        if settings.random_pe:
            self.position = PositionEmbeddingRandom(sam.embed_dim // 2)
        # What hooks hand on within one forward pass: the encoder's input, then the feature F.
        self._pixels: Tensor | None = None
        self._features: Tensor | None = None

    def attach(self, sam: Backbone) -> None:
        encoder = sam.image_encoder
        self.hold(before(encoder, self._keep_pixels), after(encoder, self._forget))
        blocks = [block.whole for block in sam.blocks]
        if self.settings.random_pe:
            prompts = sam.prompt_encoder
            self.hold(override(prompts.pe_layer, "_pe_encoding", self.position._pe_encoding))
            self.hold(_RandomValues(prompts.no_mask_embed))
        if self.settings.variant == "official":
            self.hold(after(sam.patch_embed, self._make_features))
            self.hold(*(before(block, self._adder(i)) for i, block in enumerate(blocks)))
        else:
            self.hold(before(blocks[0], lambda x: self._adder(0)(self._make_features(x, x))))
            self.hold(*(after(block, self._after_adder(i + 1)) for i, block in enumerate(blocks)))

    @classmethod
    def needs(cls, settings: SamAdapterSettings) -> Iterator[Need]:
        yield from super().needs(settings)
        yield Need.ONE_GRID
        if settings.random_pe:
            yield Need.META_PROMPTS

    def _keep_pixels(self, pixels: Tensor) -> Tensor:
        self._pixels = pixels
        return pixels

    def _make_features(self, _: Tensor, tokens: Tensor) -> Tensor:
        assert self._pixels is not None, "features are made inside the encoder's forward"
        self._features = self.prompts.features(self._pixels, tokens)
        return tokens

    def _adder(self, index: int) -> Callable[[Tensor], Tensor]:
        def add(x: Tensor) -> Tensor:
            assert self._features is not None, "features are made before the first block"
            return x + self.prompts.prompt(index, self._features)

        return add

    def _after_adder(self, index: int) -> Callable[[Tensor, Tensor], Tensor]:
        add = self._adder(index)
        return lambda _, y: add(y)

    def _forget(self, _: Tensor, embedding: Tensor) -> Tensor:
        self._pixels = self._features = None
        return embedding


class _RandomValues:
    """Random weights in an embedding, until removed."""

    def __init__(self, embedding: nn.Embedding) -> None:
        self._embedding, self._before = embedding, embedding.weight.detach().clone()
        embedding.reset_parameters()

    def remove(self) -> None:
        """Restore the weights there were."""
        self._embedding.weight.data.copy_(self._before)


def _init_normal(layer: nn.Module, std: float) -> None:
    assert isinstance(layer, nn.Linear | nn.Conv2d) and layer.bias is not None
    nn.init.normal_(layer.weight, std=std)
    nn.init.zeros_(layer.bias)


def _scramble(patches: Tensor) -> Tensor:
    """Re-read (B, g, g, D) memory as (B, D, g·g) and return it as (B, g, g, D) tokens."""
    b, h, w, d = patches.shape
    return patches.reshape(b, d, h * w).transpose(1, 2).unflatten(1, (h, w))
