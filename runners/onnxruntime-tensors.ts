// Runs an ONNX network once on named tensors, in onnxruntime: node onnxruntime-tensors.js NETWORK.onnx INPUTS.safetensors OUTPUTS.safetensors
//
// For networks with several inputs, such as the encoder and the decoder of a Transformer. Inputs are F32 or I64; outputs are F32.
import * as fs from "fs";
import type { Tensor } from "onnxruntime-common";

type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };

const USAGE = "usage: onnxruntime-tensors.js NETWORK.onnx INPUTS.safetensors OUTPUTS.safetensors";

class Complaint extends Error {}

function readTensors(file: string, runtime: typeof import("onnxruntime-common")): Record<string, Tensor> {
    const bytes = fs.readFileSync(file);
    const length = Number(bytes.readBigUInt64LE(0));
    if (8 + length > bytes.length) throw new Complaint(`${file} is cut off, or no safetensors file`);
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Record<string, Entry>;
    const tensors: Record<string, Tensor> = {};
    for (const [name, entry] of Object.entries(header)) {
        if (name === "__metadata__") continue;
        const [begin, end] = entry.data_offsets;
        const data = new Uint8Array(bytes.subarray(8 + length + begin, 8 + length + end)).buffer;
        if (entry.dtype === "F32") tensors[name] = new runtime.Tensor("float32", new Float32Array(data), entry.shape);
        else if (entry.dtype === "I64") tensors[name] = new runtime.Tensor("int64", new BigInt64Array(data), entry.shape);
        else throw new Complaint(`${file}: tensor "${name}" is of type ${entry.dtype}: use F32 or I64`);
    }
    return tensors;
}

function writeTensors(file: string, tensors: Record<string, Tensor>): void {
    const header: Record<string, Entry> = {};
    const parts: Buffer[] = [];
    let end = 0;
    for (const [name, tensor] of Object.entries(tensors)) {
        if (tensor.type !== "float32") throw new Complaint(`output "${name}" is of type ${tensor.type}: only float32 can be written`);
        const data = tensor.data as Float32Array;
        parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
        header[name] = { dtype: "F32", shape: [...tensor.dims], data_offsets: [end, end + data.byteLength] };
        end += data.byteLength;
    }
    const text = Buffer.from(JSON.stringify(header), "utf8");
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    fs.writeFileSync(file, Buffer.concat([length, text, ...parts]));
}

async function main(): Promise<void> {
    const [network, inputs, outputs, ...rest] = process.argv.slice(2);
    if (outputs === undefined || rest.length > 0) throw new Complaint(USAGE);
    const runtime = require("onnxruntime-node") as typeof import("onnxruntime-common");
    const session = await runtime.InferenceSession.create(network, { executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1 });
    writeTensors(outputs, await session.run(readTensors(inputs, runtime)));
}

main().then(
    () => process.exit(0), // at once: the runtime's threads need not be waited for
    (reason: Error) => {
        process.stderr.write(`onnxruntime-tensors.js: ${reason.message}\n`);
        process.exit(1);
    },
);
