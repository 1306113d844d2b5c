package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"customercare/infra/npm"
)

const (
	dynamoDBLocalVersion = "1.25.1"                   // what the package carries
	dynamoDBLocalFile    = "shared-local-instance.db" // its tables in a data folder
)

// dynamoDBLocalPackage carries DynamoDB Local, whose licence allows use with AWS and
// forbids redistribution: it is downloaded only when it is asked for.
var dynamoDBLocalPackage = npm.Package{
	Name: "amplify-dynamodb-simulator", Version: "2.9.30",
	Integrity: "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==",
	Folder:    "package/emulator/", Wanted: "DynamoDBLocal.jar",
}

// prepareDynamoDBLocal makes sure that Java and the emulator are there. It runs with
// -sharedDb, so that any credentials and region see the same tables. It listens on every
// interface and has no flag to change that: keep nothing real in it.
func prepareDynamoDBLocal(ctx context.Context, cache, dataDir string) (program, error) {
	java, err := findJava(ctx)
	if err != nil {
		return program{}, err
	}
	dir, err := fetch(ctx, dynamoDBLocalPackage, cache)
	if err != nil {
		return program{}, err
	}
	flags := []string{
		// The serial collector: the others take a part of few cores away from the
		// answers, a tenth of them on two. And few collections of what is young.
		"-XX:+UseSerialGC", "-Xmn256m",
		"-Djava.library.path=" + filepath.Join(dir, "DynamoDBLocal_lib"),
		"-jar", filepath.Join(dir, dynamoDBLocalPackage.Wanted), "-sharedDb", "-disableTelemetry",
	}
	if dataDir == "" {
		flags = append(flags, "-inMemory")
	} else {
		flags = append(flags, "-dbPath", dataDir)
	}
	// It leaves a file of its own where it runs.
	return program{path: java, flags: flags, dir: dir, port: "-port"}, nil
}

// errNoJava says what to do where findJava cannot install Java itself.
var errNoJava = errors.New("java is missing: install a Java runtime (Debian and Ubuntu: " +
	"apt-get install default-jre-headless), which runs DynamoDB Local, or unset ENGINE, " +
	"or set DYNAMODB_ENDPOINT to a running DynamoDB")

// findJava returns the java command. Root on a Debian-like system gets it installed when
// it is missing, so that a fresh container needs no preparation; nobody else's machine is
// changed.
func findJava(ctx context.Context) (string, error) {
	if java, err := exec.LookPath("java"); err == nil {
		return java, nil
	}
	_, notDebian := os.Stat("/etc/debian_version")
	if _, err := exec.LookPath("apt-get"); err != nil || notDebian != nil || os.Geteuid() != 0 {
		return "", errNoJava
	}
	fmt.Fprintln(os.Stderr, "java is missing: installing default-jre-headless with apt-get")
	const install = "apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jre-headless"
	cmd := exec.CommandContext(ctx, "sh", "-c", install)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("apt-get failed (%w: %s); %w", err, firstLine(string(out)), errNoJava)
	}
	return exec.LookPath("java")
}
