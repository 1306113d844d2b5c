package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// errNoJava is what to say where we cannot install Java ourselves.
var errNoJava = errors.New("java is missing: install a Java runtime (Debian and Ubuntu: apt-get install default-jre-headless), which runs DynamoDB Local, or unset ENGINE, or set DYNAMODB_ENDPOINT to a running DynamoDB")

// findJava returns the java command. Root on a Debian-like system gets it installed when
// it is missing, so that a fresh container needs no preparation; nobody else's machine is
// changed.
func findJava(ctx context.Context) (string, error) {
	if java, err := exec.LookPath("java"); err == nil {
		return java, nil
	}
	if _, err := os.Stat("/etc/debian_version"); err != nil || os.Geteuid() != 0 {
		return "", errNoJava
	}
	aptGet, err := exec.LookPath("apt-get")
	if err != nil {
		return "", errNoJava
	}
	fmt.Fprintln(os.Stderr, "java is missing: installing default-jre-headless with apt-get")
	for _, args := range [][]string{{"update", "-qq"}, {"install", "-y", "-qq", "--no-install-recommends", "default-jre-headless"}} {
		cmd := exec.CommandContext(ctx, aptGet, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("apt-get %s failed (%w: %s); %w", args[0], err, firstLine(string(out)), errNoJava)
		}
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", errNoJava
	}
	return java, nil
}
