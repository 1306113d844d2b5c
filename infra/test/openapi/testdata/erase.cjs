// Erases a customer, follows the erasure to its end and reads the receipt, with a client
// that is made of the document alone: what is written here are names of the document.
// usage: node erase.cjs BUNDLE DOCUMENT ADDRESS CREDENTIALS FOLDER
const { readFileSync, writeFileSync } = require('node:fs')

const [, , bundle, file, address, credentials, folder] = process.argv
globalThis.window = globalThis // the bundle is one for browsers, which have a page
globalThis.location = new URL(address)
const SwaggerClient = require(bundle)

// idIn reads the parameter id of an operation out of a link to it.
const idIn = (spec, operationId, link) => {
  const path = Object.keys(spec.paths).find(p => Object.values(spec.paths[p]).some(o => o.operationId === operationId))
  const [, target] = /^<([^>]*)>; rel="status"$/.exec(link)
  const [before, after] = path.split('{id}')
  if (!target.startsWith(before) || !target.endsWith(after)) throw new Error(link + ' is no link to ' + path)
  return decodeURIComponent(target.slice(before.length, target.length - after.length))
}

const main = async () => {
  const spec = JSON.parse(readFileSync(file, 'utf8'))
  spec.servers = [{ url: address }]
  const { user, key, form } = JSON.parse(credentials)
  const client = await SwaggerClient({
    spec,
    authorizations: { apiUserKey: { value: key }, apiUser: { username: user, password: key } },
  })
  if (client.errors.length > 0) throw new Error(JSON.stringify(client.errors))
  const call = (operationId, parameters, more) => client.execute({ operationId, parameters, ...more })

  const erased = await call('deleteCustomer', {}, {
    requestBody: { user_id: user, type: 'customer_delete', output: 'JSON', ...form },
    requestContentType: 'application/x-www-form-urlencoded', responseContentType: 'application/json',
  })
  if (erased.body.status !== 'success' || erased.body.customer.code !== form.code) throw new Error(erased.text)

  const id = idIn(client.spec, 'readErasure', erased.headers.link)
  let status
  do {
    await new Promise(resolve => setTimeout(resolve, 50)) // between two looks; it may take as long as it wants
    status = (await call('readErasure', { id })).body
  } while (!status.log.erased)
  if (status.status !== 'erased' || status.id !== id) throw new Error(JSON.stringify(status))

  const receipt = await call('readReceipt', { id }, { responseContentType: 'text/plain' })
  const ledger = await call('readLedgerKey', {}, { responseContentType: 'text/plain' })
  writeFileSync(folder + '/receipt', receipt.text)
  writeFileSync(folder + '/key', ledger.text)
  console.log(JSON.stringify(status))
}

main().catch(error => {
  console.error(error, error.response?.text)
  process.exitCode = 1
})
