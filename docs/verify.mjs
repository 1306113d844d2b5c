// Checks the receipt of an erasure, offline: node docs/verify.mjs RECEIPT KEY [IDENTIFIER]. RECEIPT is a file;
// KEY the log's verifier key, or a file with it; IDENTIFIER whom it has to be about: a customer's code or a number.
// It ends with 0 if the receipt is genuine. Formats: c2sp.org/tlog-proof, tlog-checkpoint, signed-note; RFC 6962.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
const FORM = RegExp('^c2sp\\.org/tlog-proof@v1\nextra (\\S+)\nindex (0|[1-9]\\d{0,18})\n((?:\\S+\n)*)\n' +
  '(([^\n]+)\n(0|[1-9]\\d{0,18})\n(\\S+)\n(?:[^\n]+\n)*)\n((?:— [^\\s+\\0-\\x1f]+ \\S+\n){1,100})$')
const need = (fine, sentence) => { if (fine) return fine; throw sentence }
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts.map(part => Buffer.from(part)))).digest()
const utf8 = bytes => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
const escape = part => String(part).replaceAll('%', '%25').replaceAll('#', '%23')
const escaped = (chars, words) => words.replace(chars, char => '\\u' + char.charCodeAt(0).toString(16).padStart(4, '0')), tame = words => escaped(/[^ -~]/g, words) // no receipt steers a terminal
const json = value => escaped(/[<>&\u2028\u2029]/g, JSON.stringify(value)) // as the writer of receipts spells it
const base64 = (text, length) => { // refuses a second spelling of the same bytes
  const bytes = Buffer.from(String(text), 'base64')
  return need(bytes.toString('base64') === text && bytes.length === (length ?? bytes.length) && bytes, 'a part of it is not exact base64')
}
function inTree(leaf, index, { n, root }, path) { // RFC 9162, section 2.1.3.2
  let [at, last, sum] = [BigInt(index), BigInt(n) - 1n, sha256([0], leaf)]
  let fits = at >= 0n && at <= last
  for (const beside of path.map(hash => base64(hash, 32))) {
    const right = at & 1n || at === last
    fits &&= last > 0n
    sum = right ? sha256([1], beside, sum) : sha256([1], sum, beside)
    while (right && at > 0n && !(at & 1n)) [at, last] = [at >> 1n, last >> 1n];
    [at, last] = [at >> 1n, last >> 1n]
  }
  return fits && last === 0n && sum.equals(base64(root, 32))
}
function check(receipt, vkey, identifier) {
  const [, name, id, spelled] = need(/^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey), 'the key is not a verifier key')
  const key = base64(spelled, 33), x = key.subarray(1).toString('base64url')
  need(key[0] === 1 && sha256(name, '\n', key).toString('hex', 0, 4) === id, 'the key is not a whole Ed25519 verifier key')
  const [, extra, index, path, note, origin, n, root, lines] = need(FORM.exec(receipt), 'it does not have the form of a receipt')
  const signatures = lines.trimEnd().split('\n').map(line => [line.split(' ')[1], base64(line.split(' ')[2])])
  const own = signatures.filter(([by, bytes]) => by === name && bytes.toString('hex', 0, 4) === id)
  need(signatures.every(([, bytes]) => bytes.length > 4), 'a signature of it is too short')
  need(origin === name && own[0], `it was signed by another key than the one given, and says that it is from the log ${json(origin)}`)
  const ed25519 = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  need(own.every(([, bytes]) => verify(null, Buffer.from(note), ed25519, bytes.subarray(4))), 'the signature of the log is wrong')
  const [, line, about] = need(/^([^\n]+)\n(?:([^\n]+)\n)?$/.exec(utf8(base64(extra))), 'it holds no statement')
  need(inTree(line, index, { n, root }, path.split('\n').slice(0, -1)), 'its statement is not in the log that was signed')
  const s = JSON.parse(line), words = `genuine: entry ${index} of the ${n} in the log ${json(name)} is ${line}`
  need(s.v === 1 && s.type && s.id, 'its statement is not one of version 1')
  if (!about) return need(identifier === undefined && words, 'it is about a whole erasure, and names no data subject')
  const { index: place, opening, outcome, path: way, subject } = JSON.parse(about), ending = outcome ?? ''
  const word = new Map([['customer', 'customer'], ['numbers', 'number']]).get(s.kind), whose = `${word}#${escape(s.scope)}#`, leaf = [sha256(base64(opening, 32), subject), Buffer.from(ending)]
  const one = subject.startsWith(whose) && /^(?:[^%#]|%25|%23)*$/.test(subject.slice(whose.length)) && json({ index: place, opening, outcome: ending || undefined, path: way, subject }) === about
  need(word && one && subject.isWellFormed() && /^[enh]?$/.test(ending) && (s.type === 'accepted') === !ending && inTree(Buffer.concat(leaf), place, s.subjects, way), 'its statement is not about this data subject with this outcome')
  need(identifier === undefined || subject === whose + escape(identifier), 'it is about another data subject')
  return `${words}; for ${json(subject)} the outcome is ${{ '': 'open', e: 'erased', n: 'not found', h: 'held' }[ending]}`
}
try {
  const [file, key, identifier] = need(process.argv[3], 'usage: node verify.mjs RECEIPT KEY [IDENTIFIER]') && process.argv.slice(2)
  console.log(tame(check(utf8(readFileSync(file)), existsSync(key) ? readFileSync(key, 'utf8').trim() : key, identifier)))
} catch (fault) {
  console.log(tame(`refused: ${typeof fault === 'string' ? fault : 'it cannot be read as a receipt'}`))
  process.exitCode = 1
}
