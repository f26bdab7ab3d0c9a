"""Makes every peer's model from the local sentence-transformers folder: nothing is downloaded.

usage: export.py MODEL_FOLDER IDS OUTPUT_FOLDER    (IDS: texts as token ids, to calibrate OpenVINO's int8)

  f32.onnx            plain graph         fused.onnx          by onnxruntime.transformers.optimizer
  q7.onnx  q8.onnx    dynamic int8, weights of 7 and 8 bits per channel (q8 saturates without VNNI)
  fused_q7.onnx fused_q8.onnx fused_u8.onnx    the same of the fused graph; unsigned weights
  ct2/                CTranslate2         ov_int8.xml         OpenVINO, NNCF post-training quantisation
"""
import os
import subprocess
import sys

import numpy as np


def export_onnx(folder, path):
    import torch
    from transformers import AutoModel

    class States(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids=input_ids, attention_mask=attention_mask,
                              token_type_ids=torch.zeros_like(input_ids)).last_hidden_state

    model = States(AutoModel.from_pretrained(folder, attn_implementation="eager").eval())
    ids = torch.ones(2, 8, dtype=torch.long)
    axes = {0: "texts", 1: "tokens"}
    with torch.no_grad():
        torch.onnx.export(model, (ids, ids), path, input_names=["input_ids", "attention_mask"],
                          output_names=["states"], opset_version=17, dynamo=False,
                          dynamic_axes={"input_ids": axes, "attention_mask": axes, "states": axes})


def quantise_onnx(out):
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer
    fused = optimizer.optimize_model(f"{out}/f32.onnx", model_type="bert", num_heads=12, hidden_size=384, opt_level=1)
    fused.save_model_to_file(f"{out}/fused.onnx")
    for source, prefix in (("f32", ""), ("fused", "fused_")):
        for name, kind, narrow in (("q7", QuantType.QInt8, True), ("q8", QuantType.QInt8, False), ("u8", QuantType.QUInt8, False)):
            if name == "u8" and not prefix:
                continue
            quantize_dynamic(f"{out}/{source}.onnx", f"{out}/{prefix}{name}.onnx", per_channel=True,
                             reduce_range=narrow, weight_type=kind,
                             extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})


def export_openvino_int8(ids_file, out):
    import nncf
    import openvino
    texts = [np.array(line.split(), dtype=np.int64)[None] for line in open(ids_file) if line.strip()]
    data = [{"input_ids": t, "attention_mask": np.ones_like(t)} for t in texts[:: max(1, len(texts) // 200)]]
    model = openvino.Core().read_model(f"{out}/f32.onnx")
    quantised = nncf.quantize(model, nncf.Dataset(data), model_type=nncf.ModelType.TRANSFORMER)
    openvino.save_model(quantised, f"{out}/ov_int8.xml", compress_to_fp16=False)


def main():
    folder, ids_file, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    export_onnx(folder, f"{out}/f32.onnx")
    quantise_onnx(out)
    subprocess.run([os.path.join(os.path.dirname(sys.executable), "ct2-transformers-converter"), "--model", folder,
                    "--output_dir", f"{out}/ct2", "--force"], check=True)
    export_openvino_int8(ids_file, out)


if __name__ == "__main__":
    main()
