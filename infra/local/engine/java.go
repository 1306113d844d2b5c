package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

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
