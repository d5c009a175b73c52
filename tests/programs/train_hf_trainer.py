"""Hugging Face's Trainer and PEFT's LoRA on SamModel."""

from dataclasses import dataclass, field

import torch
from dataset import Discs
from losses import bce_dice_loss
from peft import LoraConfig, get_peft_model
from transformers import (
    HfArgumentParser,
    SamConfig,
    SamModel,
    SamVisionConfig,
    Trainer,
    TrainingArguments,
)


@dataclass
class ModelArguments:
    rank: int = field(default=16, metadata={"help": "Rank of LoRA."})
    layers: int = field(default=12, metadata={"help": "Layers of the image encoder."})
    images: int = field(default=16, metadata={"help": "Images drawn to train on."})


def collate(examples):
    """What SamModel's forward takes, and the masks at its resolution."""
    return {
        "pixel_values": torch.stack([example["image"] for example in examples]),
        "input_boxes": torch.stack([example["box"] for example in examples])[:, None],
        "labels": torch.nn.functional.interpolate(
            torch.stack([example["mask"] for example in examples]), (256, 256)
        ),
    }


class SegmentationTrainer(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs.pop("labels")
        outputs = model(**inputs, multimask_output=False)
        loss = bce_dice_loss(outputs.pred_masks.squeeze(1), labels)
        return (loss, outputs) if return_outputs else loss


def main():
    parser = HfArgumentParser((ModelArguments, TrainingArguments))
    model_args, training_args = parser.parse_args_into_dataclasses()
    training_args.remove_unused_columns = False
    training_args.label_names = ["labels"]
    config = SamConfig(vision_config=SamVisionConfig(num_hidden_layers=model_args.layers))
    model = SamModel(config)
    model = get_peft_model(
        model,
        LoraConfig(
            r=model_args.rank,
            lora_alpha=32,
            lora_dropout=0.05,
            target_modules=["qkv"],
            modules_to_save=["mask_decoder"],
        ),
    )
    model.print_trainable_parameters()
    trainer = SegmentationTrainer(
        model=model,
        args=training_args,
        train_dataset=Discs(model_args.images),
        eval_dataset=Discs(model_args.images, seed=1),
        data_collator=collate,
    )
    trainer.train()
    print(trainer.evaluate())
    trainer.save_model()


if __name__ == "__main__":
    main()
