"""nn.DataParallel over all cards that there are: LoRA on SAM's image encoder."""

import argparse

import torch
from dataset import Discs
from sam_lora import LoRASam
from torch import nn
from torch.utils.data import DataLoader


class EncoderWithHead(nn.Module):
    """Images (B, 3, 1024, 1024) -> logits (B, 1, 256, 256)."""

    def __init__(self):
        super().__init__()
        self.encoder = LoRASam().sam.image_encoder
        self.head = nn.Sequential(
            nn.ConvTranspose2d(256, 64, 2, stride=2),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(64, 1, 2, stride=2),
        )

    def forward(self, images):
        return self.head(self.encoder(images))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--images", type=int, default=8)
    args = parser.parse_args()

    print(f"{torch.cuda.device_count()} cards: {torch.cuda.get_device_name(0)}")
    model = nn.DataParallel(EncoderWithHead()).cuda()
    optimizer = torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr=0.01, momentum=0.9
    )
    criterion = nn.BCEWithLogitsLoss().cuda()
    loader = DataLoader(Discs(args.images), args.batch_size, num_workers=2, pin_memory=True)
    for batch in loader:
        target = nn.functional.max_pool2d(batch["mask"], 4).cuda()
        loss = criterion(model(batch["image"].cuda()), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print("loss", loss.data.cpu().numpy())
    torch.save(model.module.state_dict(), "data_parallel.pth")


if __name__ == "__main__":
    main()
