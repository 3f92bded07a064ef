"""What the scripts of this folder write: safetensors files of float32 tensors, the same bytes for the same numbers."""
import json
import struct


def write(path, tensors, metadata):
    """safetensors' own writer orders metadata by chance."""
    header, data = {"__metadata__": {key: str(value) for key, value in metadata.items()}}, b""
    for name, tensor in sorted(tensors.items()):
        values = tensor.detach().contiguous().numpy().astype("<f4").tobytes()
        begin, data = len(data), data + values
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
