"""A model that trains in a moment."""

import torch


def build(width=1024):
    """A model on the card and its optimizer."""
    model = torch.nn.Linear(width, width).cuda()
    return model, torch.optim.AdamW(model.parameters())


def step(model, optimizer, batch=8):
    """One step of training; the loss."""
    loss = model(torch.randn(batch, model.in_features, device="cuda")).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def train(steps=2, batch=8):
    """Build a model and train it."""
    model, optimizer = build()
    for _ in range(steps):
        step(model, optimizer, batch)
    return model
