package engine

import (
	"context"
	"path/filepath"
)

const (
	dynamoDBLocalVersion = "1.25.1"                   // what the package carries
	dynamoDBLocalFile    = "shared-local-instance.db" // its tables in a data folder
)

// dynamoDBLocalPackage carries DynamoDB Local, whose licence allows use with AWS and
// forbids redistribution: it is downloaded only when it is asked for.
var dynamoDBLocalPackage = npmPackage{
	name: "amplify-dynamodb-simulator", version: "2.9.30",
	integrity: "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==",
	folder:    "package/emulator/", wanted: "DynamoDBLocal.jar",
}

// prepareDynamoDBLocal makes sure that Java and the emulator are there. It runs with
// -sharedDb, so that any credentials and region see the same tables. It listens on every
// interface and has no flag to change that: keep nothing real in it.
func prepareDynamoDBLocal(ctx context.Context, cache, dataDir string) (program, error) {
	java, err := findJava(ctx)
	if err != nil {
		return program{}, err
	}
	dir, err := dynamoDBLocalPackage.fetch(ctx, cache)
	if err != nil {
		return program{}, err
	}
	flags := []string{
		// The serial collector: the others take a part of few cores away from the
		// answers, a tenth of them on two. And few collections of what is young.
		"-XX:+UseSerialGC", "-Xmn256m",
		"-Djava.library.path=" + filepath.Join(dir, "DynamoDBLocal_lib"),
		"-jar", filepath.Join(dir, dynamoDBLocalPackage.wanted), "-sharedDb", "-disableTelemetry",
	}
	if dataDir == "" {
		flags = append(flags, "-inMemory")
	} else {
		flags = append(flags, "-dbPath", dataDir)
	}
	// It leaves a file of its own where it runs.
	return program{path: java, flags: flags, dir: dir, port: "-port"}, nil
}
