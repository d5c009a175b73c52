"""Two optimizers in turn: a segmenter, and a discriminator that tells its masks from drawn ones."""

import argparse

import torch
from dataset import Discs
from losses import dice_loss
from sam_lora import LoRASam
from torch import nn
from torch.utils.data import DataLoader


class Discriminator(nn.Sequential):
    """An image and a mask (B, 4, S, S) -> a score for each patch (B, 1, S/16, S/16)."""

    def __init__(self, width=64):
        layers = [nn.Conv2d(4, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for scale in (1, 2, 4):
            layers += [
                nn.Conv2d(width * scale, width * scale * 2, 4, 2, 1, bias=False),
                nn.InstanceNorm2d(width * scale * 2),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        super().__init__(*layers, nn.Conv2d(width * 8, 1, 3, 1, 1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--images", type=int, default=4)
    args = parser.parse_args()

    device = "cuda"
    segmenter, discriminator = LoRASam().to(device), Discriminator().to(device)
    optimizer_g = torch.optim.AdamW(segmenter.trained_parameters(), lr=1e-4)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    adversarial = nn.MSELoss()

    for i, batch in enumerate(DataLoader(Discs(args.images), args.batch_size, num_workers=1)):
        image, mask, box = (batch[name].to(device) for name in ("image", "mask", "box"))
        logits = segmenter(image, box)
        probability = logits.sigmoid()

        optimizer_d.zero_grad()
        real = discriminator(torch.cat([image, mask], 1))
        fake = discriminator(torch.cat([image, probability.detach()], 1))
        loss_d = 0.5 * (
            adversarial(real, torch.ones_like(real)) + adversarial(fake, torch.zeros_like(fake))
        )
        loss_d.backward()
        optimizer_d.step()

        optimizer_g.zero_grad()
        fake = discriminator(torch.cat([image, probability], 1))
        loss_g = dice_loss(logits, mask) + 0.01 * adversarial(fake, torch.ones_like(fake))
        loss_g.backward()
        optimizer_g.step()
        print(f"[{i}] segmenter {loss_g.item():.4f} discriminator {loss_d.item():.4f}")


if __name__ == "__main__":
    main()
