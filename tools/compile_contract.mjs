// Compiles the sandbox contract and writes its one artifact.
// With --check it writes nothing: exit 1 when the artifact is not what the source compiles to.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import solc from "solc";

const NAME = "MayhouseExperience";
const folder = new URL("../mayhouse_cli/chain/", import.meta.url);
const source = fileURLToPath(new URL(`${NAME}.sol`, folder));
const artifact = fileURLToPath(new URL(`${NAME}.json`, folder));

const settings = {
  evmVersion: "paris", // runs on every chain since the merge; its gas is nearest the deployed one's
  metadata: { appendCBOR: false, bytecodeHash: "none" }, // neither path nor comment reaches the code
  optimizer: { enabled: true, runs: 200 },
};

function compile() {
  const input = {
    language: "Solidity",
    sources: { [`${NAME}.sol`]: { content: readFileSync(source, "utf8") } },
    settings: {
      ...settings,
      outputSelection: { "*": { [NAME]: ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const complaints = output.errors ?? []; // warnings count: the source is ours
  if (complaints.length > 0) throw new Error(complaints.map((each) => each.formattedMessage).join("\n"));
  const { abi, evm } = output.contracts[`${NAME}.sol`][NAME];
  return {
    abi,
    bytecode: `0x${evm.bytecode.object}`,
    compiler: solc.version(),
    deployedBytecode: `0x${evm.deployedBytecode.object}`,
    settings,
  };
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted); // the order of a list means something
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

const wanted = `${JSON.stringify(sorted(compile()), null, 2)}\n`;
if (!process.argv.includes("--check")) {
  writeFileSync(artifact, wanted);
} else if (!existsSync(artifact) || readFileSync(artifact, "utf8") !== wanted) {
  console.error(`${NAME}.json is not what ${NAME}.sol compiles to: run \`make contract\``);
  process.exitCode = 1;
}
