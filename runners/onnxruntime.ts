// Times ONNX networks in onnxruntime, native or as WebAssembly, for `fleetnas device measure --command` (docs/devices.md says what a runner owes).
//
//     node onnxruntime.js [--backend native|wasm] [--threads N] NETWORK.onnx [IMAGES LOGITS]      times one network
//     node onnxruntime.js [--backend native|wasm] [--threads N] --serve                          a request a line, an answer a line
//
// IMAGES and LOGITS are raw little-endian f32. An answer is one line of JSON. Its "ms" is the least of several samples, each of so many runs
// that it lasts a while: they are taken until the least three agree (the K-best scheme of Bryant and O'Hallaron 2003, Computer Systems,
// chapter 9: what disturbs a sample only prolongs it). The first runs of each network are not counted: V8 compiles what runs often anew, and
// caches fill. With one thread a sample is the lesser of the time that passed and the processor time: other programs prolong the former, the
// engine's threads beside the one that counts the latter.
import * as fs from "fs";
import * as os from "os";
import * as path from "path";
import * as readline from "readline";
import type { InferenceSession, Tensor } from "onnxruntime-common";

type Runtime = typeof import("onnxruntime-common");

const WARM_UP_RUNS = 5; // at least, and
const WARM_UP_MS = 20; // so long
const SAMPLES = 5; // at least, and at most
const SAMPLES_MOST = 40; // until the least
const AGREEING = 3; // of them differ by at most
const AGREEMENT = 0.01; // of the least
const RESOLUTION_MS = 0.001; // of the processor's clock: a sample too short for it counts as so long
const SAMPLE_MS = 1; // a sample of a short network is of several runs, until it lasts so long
const REPEATS_MOST = 256;
const KEPT_BYTES = 512 * 1024 * 1024; // of network files whose sessions are kept for the next round
const USAGE = "usage: onnxruntime.js [--backend native|wasm] [--threads N] --serve | NETWORK.onnx [IMAGES LOGITS]";

interface Options {
    backend: "native" | "wasm";
    threads: number;
    serve: boolean;
    files: string[];
}

interface Request {
    onnx: string;
    images?: string;
    logits?: string;
}

interface Network {
    session: InferenceSession;
    shape: number[];
    fileBytes: number;
    repeats: number;
    warm: boolean;
}

class Complaint extends Error {}

function readOptions(words: string[]): Options {
    const options: Options = { backend: "native", threads: 1, serve: false, files: [] };
    while (words.length > 0) {
        const word = words.shift() as string;
        if (word === "--serve") {
            options.serve = true;
        } else if (word === "--backend") {
            const value = words.shift();
            if (value !== "native" && value !== "wasm") throw new Complaint("--backend is native or wasm");
            options.backend = value;
        } else if (word === "--threads") {
            options.threads = Number(words.shift());
            if (!Number.isInteger(options.threads) || options.threads < 1 || options.threads > 256) throw new Complaint("--threads is 1 to 256");
        } else if (word.startsWith("--")) {
            throw new Complaint(`unknown option ${word}; ${USAGE}`);
        } else {
            options.files.push(word);
        }
    }
    const expected = options.serve ? options.files.length === 0 : options.files.length === 1 || options.files.length === 3;
    if (!expected) throw new Complaint(USAGE);
    return options;
}

function loadRuntime(options: Options): { runtime: Runtime; version: string } {
    const name = options.backend === "native" ? "onnxruntime-node" : "onnxruntime-web";
    let runtime: Runtime;
    try {
        runtime = require(name) as Runtime;
    } catch (reason) {
        throw new Complaint(`${name} is not installed beside this program (install.sh does it): ${(reason as Error).message.split("\n")[0]}`);
    }
    if (options.backend === "wasm") {
        runtime.env.wasm.numThreads = options.threads;
        runtime.env.wasm.simd = true;
    }
    const description = path.join(path.dirname(require.resolve(name)), "..", "package.json");
    return { runtime, version: (JSON.parse(fs.readFileSync(description, "utf8")) as { version: string }).version };
}

/** The first field of this number that holds bytes, in a message of protocol buffers. */
function partOf(message: Buffer, field: number): Buffer {
    let at = 0;
    const varint = (): number => {
        let value = 0;
        for (let scale = 1; at < message.length; scale *= 128) {
            const byte = message[at++];
            value += (byte & 127) * scale;
            if (byte < 128) return value;
        }
        throw new Complaint("the network's file is cut off");
    };
    while (at < message.length) {
        const tag = varint();
        const wire = tag % 8;
        const size = wire === 2 ? varint() : wire === 5 ? 4 : wire === 1 ? 8 : 0;
        if (wire === 0) varint();
        if (wire === 2 && Math.floor(tag / 8) === field) return message.subarray(at, at + size);
        at += size;
    }
    throw new Complaint("the network's file does not tell the shape of its input");
}

/** The extents of the model's input: graph 7, input 11, type 2, tensor type 1, shape 2, and in it a dimension (1) with its value (1) each. */
function inputShape(model: Buffer): number[] {
    let rest = [7, 11, 2, 1, 2].reduce(partOf, model);
    const shape: number[] = [];
    while (rest.length > 0) {
        const dimension = partOf(rest, 1);
        rest = rest.subarray(2 + dimension.length); // one byte of tag, one of length
        shape.push(dimension.subarray(1).reduce((value, byte, i) => value + (byte & 127) * 128 ** i, 0));
    }
    return shape;
}

/** The model, or the architecture where the system tells none: Linux on most ARM boards, which Node calls "unknown". */
function processorName(): string {
    const model = os.cpus()[0]?.model.trim();
    return model && model !== "unknown" ? model : os.arch();
}

class Runner {
    private readonly networks = new Map<string, Network>(); // oldest first
    private keptBytes = 0;
    private readonly facts: Record<string, string>;

    constructor(
        private readonly options: Options,
        private readonly runtime: Runtime,
        version: string,
    ) {
        this.facts = {
            runtime: options.backend === "native" ? "ort" : "ort-wasm",
            runtime_version: `onnxruntime ${version}, Node ${process.versions.node}`,
            processor: processorName(),
        };
    }

    private async open(file: string): Promise<Network> {
        const kept = this.networks.get(file);
        if (kept) return kept;
        const bytes = fs.readFileSync(file);
        for (const [name, network] of this.networks) {
            if (this.keptBytes + bytes.length <= KEPT_BYTES) break;
            await network.session.release();
            this.keptBytes -= network.fileBytes;
            this.networks.delete(name);
        }
        const session = await this.runtime.InferenceSession.create(bytes, {
            executionProviders: [this.options.backend === "native" ? "cpu" : "wasm"],
            intraOpNumThreads: this.options.threads,
            interOpNumThreads: 1,
            executionMode: "sequential",
            graphOptimizationLevel: "all",
        });
        const network = { session, shape: inputShape(bytes), fileBytes: bytes.length, repeats: 1, warm: false };
        this.networks.set(file, network);
        this.keptBytes += bytes.length;
        return network;
    }

    private async sample(network: Network, feeds: Record<string, Tensor>): Promise<number> {
        const cpu = process.cpuUsage();
        const begunMs = performance.now();
        for (let i = 0; i < network.repeats; i++) await network.session.run(feeds);
        const wallMs = performance.now() - begunMs;
        const used = process.cpuUsage(cpu);
        const ms = this.options.threads === 1 ? Math.min(wallMs, (used.user + used.system) / 1000) : wallMs;
        return Math.max(ms, RESOLUTION_MS) / network.repeats;
    }

    private async least(network: Network, feeds: Record<string, Tensor>): Promise<number> {
        const samples: number[] = [];
        for (let agree = false; samples.length < SAMPLES || (!agree && samples.length < SAMPLES_MOST); ) {
            samples.push(await this.sample(network, feeds));
            samples.sort((a, b) => a - b);
            agree = samples.length >= AGREEING && samples[AGREEING - 1] <= samples[0] * (1 + AGREEMENT);
        }
        return samples[0];
    }

    private async warmUp(network: Network, feeds: Record<string, Tensor>): Promise<void> {
        let fastest = Infinity;
        const begunMs = performance.now();
        for (let i = 0; i < WARM_UP_RUNS || performance.now() - begunMs < WARM_UP_MS; i++) fastest = Math.min(fastest, await this.sample(network, feeds));
        network.repeats = Math.min(REPEATS_MOST, Math.max(1, Math.ceil(SAMPLE_MS / fastest)));
        network.warm = true;
    }

    /** From the file, or zeros where none is given. */
    private readImages(network: Network, request: Request): Tensor {
        const floats = network.shape.reduce((product, extent) => product * extent, 1);
        const images = new Float32Array(floats);
        if (request.images !== undefined) {
            const bytes = fs.readFileSync(request.images);
            if (bytes.length !== 4 * floats) throw new Complaint(`${request.images} has ${bytes.length} bytes, the network wants ${4 * floats}`);
            new Uint8Array(images.buffer).set(bytes);
        }
        return new this.runtime.Tensor("float32", images, network.shape);
    }

    async answer(request: Request): Promise<Record<string, string | number>> {
        if (typeof request.onnx !== "string") throw new Complaint('a request is a JSON object with "onnx", "images" and "logits"');
        const network = await this.open(request.onnx);
        const feeds = { images: this.readImages(network, request) };
        if (!network.warm) await this.warmUp(network, feeds);
        const logits = (await network.session.run(feeds)).logits;
        if (request.logits !== undefined) fs.writeFileSync(request.logits, new Uint8Array((logits.data as Float32Array).slice().buffer));
        return { ms: await this.least(network, feeds), ...this.facts };
    }
}

async function serve(runner: Runner): Promise<void> {
    for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
        let answer: Record<string, string | number>;
        try {
            answer = await runner.answer(JSON.parse(line) as Request);
        } catch (reason) {
            answer = { error: (reason as Error).message.split("\n")[0] };
        }
        process.stdout.write(JSON.stringify(answer) + "\n");
    }
}

async function main(): Promise<void> {
    const options = readOptions(process.argv.slice(2));
    const { runtime, version } = loadRuntime(options);
    const runner = new Runner(options, runtime, version);
    if (options.serve) return serve(runner);
    const [onnx, images, logits] = options.files;
    process.stdout.write(JSON.stringify(await runner.answer({ onnx, images, logits })) + "\n");
}

main().then(
    () => process.exit(0), // at once: the runtime's threads need not be waited for
    (reason: Error) => {
        process.stderr.write(`onnxruntime.js: ${reason.message}\n`);
        process.exit(1);
    },
);
