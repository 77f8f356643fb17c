// Times ONNX networks in onnxruntime, native or as WebAssembly, for `fleetnas device measure --command` (docs/devices.md says what a runner owes).
//
//     node onnxruntime.js [--backend native|wasm] [--threads N] NETWORK.onnx [IMAGES LOGITS]      times one network
//     node onnxruntime.js [...] ENCODER.onnx DECODER.onnx SENTENCES LOGITS                        one that translates
//     node onnxruntime.js [--backend native|wasm] [--threads N] --serve                          a request a line, an answer a line
//
// IMAGES and LOGITS are raw little-endian f32. An answer is one line of JSON. Its "ms" is the least of several samples, each of so many runs
// that it lasts a while: they are taken until the least three agree (the K-best scheme of Bryant and O'Hallaron 2003, Computer Systems,
// chapter 9: what disturbs a sample only prolongs it). The first runs of each network are not counted: V8 compiles what runs often anew, and
// caches fill. With one thread a sample is the lesser of the time that passed and the processor time: other programs prolong the former, the
// engine's threads beside the one that counts the latter.
//
// Of what translates a run is a translation: the encoder reads the source, then the decoder reads the target a word at a time, each with the
// keys and values of those before. SENTENCES are i64: how many, of how many words, then the source and the target of all. The logits are
// those behind the last word.
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
const USAGE = "usage: onnxruntime.js [--backend native|wasm] [--threads N] --serve | NETWORK.onnx [IMAGES LOGITS] | ENCODER.onnx DECODER.onnx SENTENCES LOGITS";

interface Options {
    backend: "native" | "wasm";
    threads: number;
    serve: boolean;
    files: string[];
}

interface Request {
    onnx: string;
    decoder?: string; // of what translates
    images?: string;
    sentences?: string;
    logits?: string;
}

type Run = () => Promise<Tensor>; // the logits

interface Network {
    session: InferenceSession;
    decoder?: InferenceSession;
    shape: number[]; // of the images; empty of what translates
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
    const expected = options.serve ? options.files.length === 0 : [1, 3, 4].includes(options.files.length);
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

/** The source [sentences, words], and the target as one tensor [sentences, 1] a word. */
function readSentences(file: string | undefined, runtime: Runtime): { source: Tensor; words: Tensor[] } {
    if (file === undefined) throw new Complaint('a request with "decoder" has "sentences" as well');
    const bytes = fs.readFileSync(file);
    const numbers = Array.from({ length: Math.floor(bytes.length / 8) }, (_, i) => bytes.readBigInt64LE(8 * i));
    const count = Number(numbers[0] ?? 0n);
    const length = Number(numbers[1] ?? 0n);
    if (!(count > 0 && length > 0) || bytes.length !== 8 * (2 + 2 * count * length)) throw new Complaint(`${file} is cut off, or holds no sentences`);
    const target = numbers.slice(2 + count * length);
    const source = new runtime.Tensor("int64", BigInt64Array.from(numbers.slice(2, 2 + count * length)), [count, length]);
    const word = (t: number): Tensor => new runtime.Tensor("int64", BigInt64Array.from({ length: count }, (_, i) => target[i * length + t]), [count, 1]);
    return { source, words: Array.from({ length }, (_, t) => word(t)) };
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

    private session(bytes: Buffer): Promise<InferenceSession> {
        return this.runtime.InferenceSession.create(bytes, {
            executionProviders: [this.options.backend === "native" ? "cpu" : "wasm"],
            intraOpNumThreads: this.options.threads,
            interOpNumThreads: 1,
            executionMode: "sequential",
            graphOptimizationLevel: "all",
        });
    }

    private async open(request: Request): Promise<Network> {
        const kept = this.networks.get(request.onnx);
        if (kept) return kept;
        const bytes = fs.readFileSync(request.onnx);
        const decoder = request.decoder === undefined ? undefined : fs.readFileSync(request.decoder);
        const fileBytes = bytes.length + (decoder?.length ?? 0);
        for (const [name, network] of this.networks) {
            if (this.keptBytes + fileBytes <= KEPT_BYTES) break;
            await network.session.release();
            await network.decoder?.release();
            this.keptBytes -= network.fileBytes;
            this.networks.delete(name);
        }
        const network: Network = {
            session: await this.session(bytes),
            decoder: decoder && (await this.session(decoder)),
            shape: decoder ? [] : inputShape(bytes),
            fileBytes,
            repeats: 1,
            warm: false,
        };
        this.networks.set(request.onnx, network);
        this.keptBytes += fileBytes;
        return network;
    }

    private async sample(network: Network, run: Run): Promise<number> {
        const cpu = process.cpuUsage();
        const begunMs = performance.now();
        for (let i = 0; i < network.repeats; i++) await run();
        const wallMs = performance.now() - begunMs;
        const used = process.cpuUsage(cpu);
        const ms = this.options.threads === 1 ? Math.min(wallMs, (used.user + used.system) / 1000) : wallMs;
        return Math.max(ms, RESOLUTION_MS) / network.repeats;
    }

    private async least(network: Network, run: Run): Promise<number> {
        const samples: number[] = [];
        for (let agree = false; samples.length < SAMPLES || (!agree && samples.length < SAMPLES_MOST); ) {
            samples.push(await this.sample(network, run));
            samples.sort((a, b) => a - b);
            agree = samples.length >= AGREEING && samples[AGREEING - 1] <= samples[0] * (1 + AGREEMENT);
        }
        return samples[0];
    }

    private async warmUp(network: Network, run: Run): Promise<void> {
        let fastest = Infinity;
        const begunMs = performance.now();
        for (let i = 0; i < WARM_UP_RUNS || performance.now() - begunMs < WARM_UP_MS; i++) fastest = Math.min(fastest, await this.sample(network, run));
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

    private classify(network: Network, request: Request): Run {
        const feeds = { images: this.readImages(network, request) };
        return async () => (await network.session.run(feeds)).logits;
    }

    private translate(network: Network, request: Request): Run {
        const { source, words } = readSentences(request.sentences, this.runtime);
        const mask = new this.runtime.Tensor("float32", new Float32Array(source.size).fill(1), source.dims);
        const positions = words.map((_, i) => new this.runtime.Tensor("int64", BigInt64Array.of(BigInt(i)), [1]));
        const decoder = network.decoder as InferenceSession;
        const pasts = decoder.inputNames.filter((name) => name.startsWith("past"));
        return async () => {
            const cross = await network.session.run({ source, source_mask: mask });
            const none = [source.dims[0], 0, cross["cross0.k"].dims[2]];
            const feeds: Record<string, Tensor> = { source_mask: mask, ...cross };
            for (const name of pasts) feeds[name] = new this.runtime.Tensor("float32", new Float32Array(0), none);
            let logits: Tensor | undefined;
            for (let i = 0; i < words.length; i++) {
                feeds.word = words[i];
                feeds.position = positions[i];
                const said = await decoder.run(feeds);
                for (const name of pasts) feeds[name] = said[name.replace("past", "present")];
                logits = said.logits;
            }
            return logits as Tensor;
        };
    }

    async answer(request: Request): Promise<Record<string, string | number>> {
        if (typeof request.onnx !== "string") throw new Complaint('a request is a JSON object with "onnx", "images" and "logits"');
        const network = await this.open(request);
        const run = network.decoder ? this.translate(network, request) : this.classify(network, request);
        if (!network.warm) await this.warmUp(network, run);
        const logits = await run();
        if (request.logits !== undefined) fs.writeFileSync(request.logits, new Uint8Array((logits.data as Float32Array).slice().buffer));
        return { ms: await this.least(network, run), ...this.facts };
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
    const [onnx, ...rest] = options.files;
    const request: Request =
        rest.length === 3 ? { onnx, decoder: rest[0], sentences: rest[1], logits: rest[2] } : { onnx, images: rest[0], logits: rest[1] };
    process.stdout.write(JSON.stringify(await runner.answer(request)) + "\n");
}

main().then(
    () => process.exit(0), // at once: the runtime's threads need not be waited for
    (reason: Error) => {
        process.stderr.write(`onnxruntime.js: ${reason.message}\n`);
        process.exit(1);
    },
);
