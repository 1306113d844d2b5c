package template

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
)

// What Lambda itself sets.
var lambdas = []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE"}

// A function reads its variables by the tags of structs (shared/environment), and the
// linker keeps in a binary only what that function reaches: so the binary says what it
// reads.
func TestVariablesAreWhatIsRead(t *testing.T) {
	binaries := filepath.Join(dynamotest.Root(), ".cache", "bin")
	if err := stack.Build(context.Background(), dynamotest.Root(), binaries); err != nil {
		t.Fatal(err)
	}
	for name, f := range functions(t) {
		binary, err := os.ReadFile(filepath.Join(binaries, name, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		reads := map[string]bool{}
		for _, tag := range regexp.MustCompile(`env:"([A-Z0-9_]+)`).FindAllSubmatch(binary, -1) {
			if variable := string(tag[1]); !slices.Contains(lambdas, variable) {
				reads[variable] = true
			}
		}
		given, _ := at(f.Properties, "Environment", "Variables").(map[string]any)
		read, set := slices.Sorted(maps.Keys(reads)), slices.Sorted(maps.Keys(given))
		if !slices.Equal(read, set) || len(read) == 0 {
			t.Errorf("%s reads %v, and the template sets %v", name, read, set)
		}
	}
	// Nothing is read past that one way.
	grep := exec.Command("grep", "-rnE", `os\.(Getenv|LookupEnv|Environ)|syscall\.Getenv`, "functions", "shared",
		"--include=*.go", "--exclude=*_test.go")
	grep.Dir = dynamotest.Root()
	if found, _ := grep.Output(); len(found) > 0 {
		t.Errorf("variables are read past shared/environment:\n%s", found)
	}
}
