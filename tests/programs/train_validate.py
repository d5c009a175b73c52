"""Epochs with a validation that forgets no_grad and sums losses that hold their graphs."""

import argparse
from pathlib import Path

import numpy as np
import torch
from dataset import Discs
from losses import bce_dice_loss
from sam_lora import LoRASam
from torch.utils.data import DataLoader


def precision_and_recall(logits, mask):
    """Over the foreground of the prediction, and over that of the mask."""
    predicted = logits > 0
    precision = mask[predicted].mean()
    recall = predicted[mask > 0.5].float().mean()
    return precision, recall


def train_epoch(model, loader, optimizer, device):
    model.train()
    for batch in loader:
        images, masks, boxes = (batch[name].to(device) for name in ("image", "mask", "box"))
        optimizer.zero_grad()
        loss = bce_dice_loss(model(images, boxes), masks)
        loss.backward()
        optimizer.step()


def validate(model, loader, device):
    model.eval()
    total_loss = 0
    precisions, recalls = [], []
    for batch in loader:
        images, masks, boxes = (batch[name].to(device) for name in ("image", "mask", "box"))
        logits = model(images, boxes)
        total_loss += bce_dice_loss(logits, masks)
        precision, recall = precision_and_recall(logits, masks)
        precisions.append(precision.item())
        recalls.append(recall.cpu().detach().numpy())
    return total_loss / len(loader), np.mean(precisions), np.mean(recalls)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("work_dir"))
    args = parser.parse_args()
    args.output.mkdir(exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    model = LoRASam().to(device)
    optimizer = torch.optim.Adam(model.trained_parameters(), lr=1e-4)
    train_loader = DataLoader(Discs(args.images), args.batch_size, shuffle=True)
    val_loader = DataLoader(Discs(args.images, seed=1), args.batch_size)

    best_loss = float("inf")
    for epoch in range(args.epochs):
        train_epoch(model, train_loader, optimizer, device)
        val_loss, precision, recall = validate(model, val_loader, device)
        print(f"epoch {epoch}: {val_loss.item():.4f} precision {precision:.3f} recall {recall:.3f}")
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        torch.save(state, args.output / "latest.pth")
        if val_loss < best_loss:
            best_loss = val_loss
            torch.save(state, args.output / "best.pth")
            print("a new best")


if __name__ == "__main__":
    main()
