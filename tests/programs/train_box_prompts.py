"""SAM's encoder and decoder trained with boxes from numpy; the prompt encoder is frozen."""

import argparse
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from losses import dice_loss
from segment_anything import sam_model_registry
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(2023)
torch.cuda.empty_cache()


class NpyDataset(Dataset):
    """Images and label maps in folders of arrays; a label and its box are drawn at random."""

    def __init__(self, root, bbox_shift=20):
        self.files = sorted(Path(root, "gts").glob("*.npy"))
        self.bbox_shift = bbox_shift
        print(f"number of images: {len(self.files)}")

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        file = self.files[index]
        image = np.load(file.parent.parent / "imgs" / file.name).transpose(2, 0, 1)
        assert image.min() >= 0 and image.max() <= 1, "images are to be normalized to [0, 1]"
        labels = np.load(file)
        label = np.random.choice(np.unique(labels)[1:])
        mask = np.uint8(labels == label)
        y, x = np.where(mask > 0)
        height, width = mask.shape
        shift = np.random.randint(0, self.bbox_shift, 4)
        box = np.array(
            [
                max(0, x.min() - shift[0]),
                max(0, y.min() - shift[1]),
                min(width, x.max() + shift[2]),
                min(height, y.max() + shift[3]),
            ]
        )
        return torch.tensor(image).float(), torch.tensor(mask[None]).long(), box, file.name


class BoxSAM(nn.Module):
    def __init__(self, image_encoder, mask_decoder, prompt_encoder):
        super().__init__()
        self.image_encoder = image_encoder
        self.mask_decoder = mask_decoder
        self.prompt_encoder = prompt_encoder
        for param in self.prompt_encoder.parameters():
            param.requires_grad = False

    def forward(self, image, box):
        image_embedding = self.image_encoder(image)
        with torch.no_grad():
            box = torch.as_tensor(box, dtype=torch.float32, device=image.device)
            if box.dim() == 2:
                box = box[:, None, :]
            sparse, dense = self.prompt_encoder(points=None, boxes=box, masks=None)
        low_resolution = [
            self.mask_decoder(
                image_embeddings=image_embedding[i : i + 1],
                image_pe=self.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse[i : i + 1],
                dense_prompt_embeddings=dense[i : i + 1],
                multimask_output=False,
            )[0]
            for i in range(len(image))
        ]
        size = image.shape[2:]
        return F.interpolate(torch.cat(low_resolution), size, mode="bilinear", align_corners=False)


def write_arrays(root, count):
    """A data set of rectangles."""
    rng = np.random.default_rng(0)
    for name in ("imgs", "gts"):
        Path(root, name).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        labels = np.zeros((1024, 1024), dtype=np.uint8)
        top, left = rng.integers(100, 500, 2)
        labels[top : top + 300, left : left + 200] = i % 3 + 1
        np.save(Path(root, "gts", f"{i}.npy"), labels)
        np.save(Path(root, "imgs", f"{i}.npy"), rng.random((1024, 1024, 3)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-i", "--tr_npy_path", default="data/npy")
    parser.add_argument("-model_type", default="vit_b")
    parser.add_argument("-work_dir", default="work_dir")
    parser.add_argument("-num_epochs", type=int, default=1)
    parser.add_argument("-batch_size", type=int, default=1)
    parser.add_argument("-num_workers", type=int, default=0)
    parser.add_argument("-use_amp", action="store_true")
    parser.add_argument("--make", type=int, default=0, help="write so many images first")
    parser.add_argument("--device", default="cuda:0")
    args = parser.parse_args()
    if args.make:
        write_arrays(args.tr_npy_path, args.make)

    save_path = Path(args.work_dir, datetime.now().strftime("%Y%m%d-%H%M"))
    save_path.mkdir(parents=True, exist_ok=True)
    device = torch.device(args.device)
    sam = sam_model_registry[args.model_type]()
    model = BoxSAM(sam.image_encoder, sam.mask_decoder, sam.prompt_encoder).to(device)
    model.train()
    trained = [*model.image_encoder.parameters(), *model.mask_decoder.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.01)
    bce = nn.BCEWithLogitsLoss(reduction="mean")
    loader = DataLoader(
        NpyDataset(args.tr_npy_path),
        batch_size=args.batch_size,
        shuffle=True,
        num_workers=args.num_workers,
        pin_memory=True,
    )
    scaler = torch.amp.GradScaler("cuda") if args.use_amp else None
    losses, best_loss = [], 1e10
    for epoch in range(args.num_epochs):
        epoch_loss = 0
        for step, (image, gt2d, boxes, _) in enumerate(loader):
            optimizer.zero_grad()
            boxes_np = boxes.detach().cpu().numpy()
            image, gt2d = image.to(device), gt2d.to(device)
            with torch.autocast("cuda", torch.float16, enabled=args.use_amp):
                prediction = model(image, boxes_np)
                loss = dice_loss(prediction, gt2d) + bce(prediction, gt2d.float())
            if scaler:
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
            else:
                loss.backward()
                optimizer.step()
            epoch_loss += loss.item()
            if step % 100 == 0:
                print(f"step {step}: {loss.item():.4f}")
        epoch_loss /= step
        losses.append(epoch_loss)
        print(f"epoch: {epoch}, loss: {epoch_loss}")
        checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(checkpoint, save_path / "latest.pth")
        if epoch_loss < best_loss:
            best_loss = epoch_loss
            torch.save(checkpoint, save_path / "best.pth")


if __name__ == "__main__":
    main()
