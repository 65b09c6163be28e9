import { posix } from 'node:path';
import { findImports, type Import } from './imports.ts';
import {
  BUILD_SCRIPTS,
  COMPUTED_IMPORTS,
  DEPENDENCY_TABLE,
  MODEL_RUNS,
  type PartRule,
  RESERVED,
  TEST_ALLOWANCE,
} from './parts.ts';

/** The sources and manifests of a tree, by path from its root. */
export interface Tree {
  files: Map<string, string>;
}

/** One thing that is not as the table says. */
export interface Violation {
  file: string;
  line: number;
  message: string;
}

interface Manifest {
  name: string;
  folder: string;
  dependencies: ReadonlySet<string>;
  /** What others may import, e.g. `game-kit/replica`; none for a service. */
  faces: ReadonlySet<string>;
}

const SCOPE = '@breakwater/';

/** Holds every source of the tree against the dependency table. */
export function checkArchitecture(tree: Tree): Violation[] {
  const manifests = readManifests(tree);
  const violations: Violation[] = [];
  for (const [file, text] of tree.files) {
    if (!/\.tsx?$/.test(file)) continue;
    const source = new Source(file, manifests);
    for (const item of findImports(text)) {
      for (const message of source.check(item)) violations.push({ file, line: item.line, message });
    }
    violations.push(...findSubjects(file, text));
  }
  return violations;
}

function readManifests(tree: Tree): Manifest[] {
  const found: Manifest[] = [];
  for (const [file, text] of tree.files) {
    if (posix.basename(file) !== 'package.json') continue;
    const {
      name = '',
      dependencies = {},
      devDependencies = {},
      exports = {},
    } = JSON.parse(text) as PackageJson;
    const short = name.replace(SCOPE, '');
    found.push({
      name,
      folder: posix.dirname(file),
      dependencies: new Set([...Object.keys(dependencies), ...Object.keys(devDependencies)]),
      faces: new Set(Object.keys(exports).map((face) => posix.join(short, face))),
    });
  }
  return found;
}

interface PackageJson {
  name?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  exports?: Record<string, string>;
}

/** The folder of a workspace (or `test`, or `` for the root's own files) that a file is in. */
export function partOf(file: string): string {
  const [first = '', second = ''] = file.split('/');
  if (['packages', 'services', 'games'].includes(first)) return `${first}/${second}`;
  return file.includes('/') ? first : '';
}

/** Tests and examples stand outside of the part whose folder they are in. */
export function isTestFile(file: string): boolean {
  const part = partOf(file);
  const isOutside = ['test', 'examples'].some((folder) => file.startsWith(`${part}/${folder}/`));
  return file.endsWith('.test.ts') || isOutside || part === 'test';
}

class Source {
  readonly #file: string;
  readonly #part: string;
  readonly #isTest: boolean;
  readonly #rule: PartRule | undefined;
  readonly #manifests: readonly Manifest[];

  constructor(file: string, manifests: readonly Manifest[]) {
    this.#file = file;
    this.#part = partOf(file);
    this.#isTest = isTestFile(file);
    this.#rule = ruleFor(file);
    this.#manifests = manifests;
  }

  check(item: Import): string[] {
    if (this.#part === '') return [];
    if (this.#rule === undefined) return ['this folder has no line in the dependency table'];
    const { specifier } = item;
    if (specifier === undefined) return this.#checkComputed();
    if (specifier.startsWith('.')) return this.#checkRelative(specifier, item.isTypeOnly);
    if (specifier.startsWith('node:')) return this.#checkNode(specifier);
    if (specifier.startsWith(SCOPE)) return this.#checkOurs(specifier, item.isTypeOnly);
    return this.#checkNpm(specifier);
  }

  get #isDomain(): boolean {
    return this.#file.includes('/domain/') && !this.#isTest;
  }

  #checkComputed(): string[] {
    const isKnown = COMPUTED_IMPORTS.some((prefix) => this.#file.startsWith(prefix));
    return isKnown || this.#isTest ? [] : ['what is imported must be written down, not computed'];
  }

  #checkRelative(specifier: string, isTypeOnly: boolean): string[] {
    const target = posix.join(posix.dirname(this.#file), specifier);
    if (partOf(target) !== this.#part) return this.#checkOutside(target);
    const domain = this.#file.slice(0, this.#file.indexOf('/domain/') + '/domain/'.length);
    // The errors of a part are as pure as its domain, and types vanish.
    const isPure = isTypeOnly || target.startsWith(domain) || posix.basename(target) === 'errors.ts';
    return this.#isDomain && !isPure ? [`domain code imports ${target} from outside its folder`] : [];
  }

  /** The bench measures a service's own code in place; nobody else but a listed model run reaches past a face. */
  #checkOutside(target: string): string[] {
    if (this.#part === 'bench' || (this.#isTest && BUILD_SCRIPTS.includes(target))) return [];
    const isListed = ([folder, files]: [string, readonly string[]]) =>
      this.#file.startsWith(folder) && files.includes(target);
    if (Object.entries(MODEL_RUNS).some(isListed)) return [];
    if (this.#part.startsWith('services/') && target.startsWith('services/'))
      return ['a service imports a service'];
    return [`${target} is in another part: use its package`];
  }

  #checkNode(specifier: string): string[] {
    if (this.#isDomain) return [`domain code imports ${specifier}`];
    return this.#rule?.node || this.#isTest ? [] : [`${this.#part} imports ${specifier}`];
  }

  #checkOurs(specifier: string, isTypeOnly: boolean): string[] {
    const face = specifier.slice(SCOPE.length);
    const name = SCOPE + (face.split('/')[0] ?? '');
    const manifest = this.#manifests.find((candidate) => candidate.name === name);
    if (manifest?.folder.startsWith('services/')) {
      return [
        this.#part.startsWith('services/')
          ? 'a service imports a service'
          : `${this.#part} imports a service`,
      ];
    }
    if (manifest !== undefined && !manifest.faces.has(face))
      return [`${specifier} is not a public face of ${name}`];
    if (!this.#mayUse(face)) return [`${this.#part} imports ${specifier}`];
    if (!this.#declares(name)) return [`${this.#part}/package.json does not name ${name}`];
    if (this.#isDomain && face === 'service-kit' && !isTypeOnly) return ['domain code imports service-kit'];
    return [];
  }

  #checkNpm(specifier: string): string[] {
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
    if (this.#isTest && TEST_ALLOWANCE.npm.includes(name)) return [];
    if (this.#isDomain) return [`domain code imports ${specifier}`];
    const owners = RESERVED[name];
    if (owners !== undefined && !owners.includes(this.#part)) return [`only ${owners[0]} uses ${name}`];
    if (this.#rule?.npm !== 'declared') {
      return this.#rule?.npm.includes(name) ? [] : [`${this.#part} imports ${name} from npm`];
    }
    return this.#declares(name) ? [] : [`${this.#part}/package.json does not name ${name}`];
  }

  #mayUse(face: string): boolean {
    const allowed = [...(this.#rule?.ours ?? []), ...(this.#isTest ? TEST_ALLOWANCE.ours : [])];
    return allowed.some((pattern) => matches(pattern, face));
  }

  /** Tests may use what the root declares for all of them. */
  #declares(name: string): boolean {
    const own = this.#manifests.find(({ folder }) => folder === this.#part);
    return this.#isTest || own?.dependencies.has(name) === true;
  }
}

/** `game-*` stands for any game, `x` for the package itself and any face of it, `x/y` for that face only. */
function matches(pattern: string, face: string): boolean {
  if (pattern === '*' || pattern === face) return true;
  const expression = new RegExp(`^${pattern.replaceAll('*', '[a-z0-9-]+')}$`);
  return expression.test(face) || (!pattern.includes('/') && expression.test(face.split('/')[0] ?? ''));
}

function ruleFor(file: string): PartRule | undefined {
  const prefixes = Object.keys(DEPENDENCY_TABLE).filter(
    (prefix) => file === prefix || file.startsWith(`${prefix}/`),
  );
  const longest = prefixes.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : DEPENDENCY_TABLE[longest];
}

const SUBJECT_ROOTS = 'chat|room|edge|match|sim|game|user|ledger|events';
// A span is named after the verb that it traces; that is no subject.
const BUILT_SUBJECT = new RegExp(
  `(?<!Span\\()\`(?:${SUBJECT_ROOTS})\\.[^\`]*\\$\\{|'(?:${SUBJECT_ROOTS})\\.'\\s*\\+`,
);

/** Subjects are built in `packages/bus` alone: elsewhere no id is put behind a subject's first word. */
function findSubjects(file: string, text: string): Violation[] {
  if (file.startsWith('packages/bus/') || isTestFile(file)) return [];
  return text.split('\n').flatMap((line, index) => {
    return BUILT_SUBJECT.test(line)
      ? [{ file, line: index + 1, message: 'only packages/bus builds subjects' }]
      : [];
  });
}
