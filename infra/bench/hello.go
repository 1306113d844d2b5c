package bench

import "customercare/infra/local/lambda"

// The floors of a start and of a size, by folder: a bare lambda.Start; one that also has
// made the client of DynamoDB and connected it, as every function has before its first
// question for work; one that also has read the keys of the digests; one that can read
// them, and one that can sign, when a call asks for it.
const (
	Hello       = "hello"
	HelloClient = "hello-client"
	HelloKeys   = "hello-keys"
	HelloReader = "hello-reader"
	HelloSigns  = "hello-signs"
)

// Hellos are all of them.
var Hellos = []string{Hello, HelloClient, HelloKeys, HelloReader, HelloSigns}

// HelloOf is the floor that has the same clients as a function, by the variables of its
// environment, and what it is in words. read-erasures alone reads the keys later.
func HelloOf(f lambda.Function) (folder, words string) {
	switch {
	case f.Environment["LOG_KEY"] != "":
		return HelloSigns, "a hello with the same clients"
	case f.Folder == "read-erasures":
		return HelloReader, "a hello with the same clients"
	case f.Environment["DIGEST_KEYS"] != "":
		return HelloKeys, "a hello with the same clients, that reads the keys, too"
	}
	return HelloClient, "a hello with the same client"
}
