"""What the scripts of this folder write: safetensors files of torch's float32 tensors or of numpy's float64 ones, the
same bytes for the same numbers."""
import json
import struct


def write(path, tensors, metadata):
    """safetensors' own writer orders metadata by chance."""
    header, data = {"__metadata__": {key: str(value) for key, value in metadata.items()}}, b""
    for name, tensor in sorted(tensors.items()):
        is_torch = hasattr(tensor, "detach")
        values = tensor.detach().contiguous().numpy().astype("<f4") if is_torch else tensor.astype("<f8")
        begin, data = len(data), data + values.tobytes()
        header[name] = {"dtype": "F32" if is_torch else "F64", "shape": list(tensor.shape),
                        "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
