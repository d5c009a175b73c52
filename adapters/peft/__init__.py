"""The methods of Hugging Face PEFT, each as a method of samfit: ``peft_lora``, ``peft_oft``, ..."""
