"""LoRA on SAM with Lightning's Trainer, validation included."""

import argparse

import lightning as L
import torch
from dataset import Discs
from losses import bce_dice_loss, iou
from sam_lora import LoRASam
from torch.utils.data import DataLoader


class LitSam(L.LightningModule):
    def __init__(self, rank=4, lr=1e-4):
        super().__init__()
        self.save_hyperparameters()
        self.model = LoRASam(rank=rank)

    def training_step(self, batch, batch_idx):
        loss = bce_dice_loss(self.model(batch["image"], batch["box"]), batch["mask"])
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, batch_idx):
        logits = self.model(batch["image"], batch["box"])
        self.log("val_loss", bce_dice_loss(logits, batch["mask"]), prog_bar=True)
        self.log("val_iou", iou(logits, batch["mask"]))

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.model.trained_parameters(), lr=self.hparams.lr)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
        return {"optimizer": optimizer, "lr_scheduler": scheduler}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--precision", default="16-mixed")
    parser.add_argument("--accelerator", default="gpu")
    args = parser.parse_args()

    L.seed_everything(0)
    loaders = [
        DataLoader(Discs(args.images, seed=seed), args.batch_size, num_workers=2, pin_memory=True)
        for seed in (0, 1)
    ]
    trainer = L.Trainer(
        max_epochs=args.epochs,
        accelerator=args.accelerator,
        devices=args.devices,
        precision=args.precision,
        gradient_clip_val=1.0,
        log_every_n_steps=1,
        callbacks=[
            L.pytorch.callbacks.ModelCheckpoint("checkpoints", monitor="val_loss", save_last=True)
        ],
    )
    trainer.fit(LitSam(), *loaders)


if __name__ == "__main__":
    main()
