package template

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/version"
)

// makes runs make in the repository, and gives all that it prints.
func makes(t *testing.T, environment []string, args ...string) (said string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", append([]string{"-C", dynamotest.Root()}, args...)...)
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// releases makes a release, and gives its folder. args go to make: the test compiles for
// one platform, because each costs minutes where nothing is compiled yet (TestPlatforms
// looks at the others).
func releases(t *testing.T, folder string, args ...string) string {
	t.Helper()
	tool := regexp.MustCompile(`(?m)^CYCLONEDX := (.*)/cmd/.*@(.*)$`).FindStringSubmatch(text(t, "Makefile"))
	if out, err := exec.Command("go", "mod", "download", tool[1]+"@"+tool[2]).CombinedOutput(); err != nil {
		t.Skipf("the tool that writes the SBOM cannot be fetched: %s", out)
	}
	if said, err := makes(t, nil, append([]string{"release", "VERSION=" + version.Number}, args...)...); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return filepath.Join(dynamotest.Root(), ".cache", "release", folder)
}

// A release is whole: what the functions are built to, the command line, the template
// that names them, every module that is in them, and the sum of each file.
func TestRelease(t *testing.T) {
	if said, err := makes(t, nil, "release", "VERSION=0.0.1"); err == nil || !strings.Contains(said, "VERSION="+version.Number) {
		t.Errorf("another number than the source's: %v, %s", err, said)
	}
	program := "customercare-" + runtime.GOOS + "-" + runtime.GOARCH
	folder := releases(t, version.Number, "PLATFORMS="+runtime.GOOS+"-"+runtime.GOARCH)
	sums := sumsOf(t, folder)
	for name := range functions(t) {
		zip := filepath.Join("functions", name+".zip")
		if sums[zip] != sum(t, filepath.Join(dynamotest.Root(), ".cache", "lambda", name+".zip")) {
			t.Errorf("%s is not what make package makes", zip)
		}
	}
	released, err := os.ReadFile(filepath.Join(folder, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`CodeUri: (\S+)`).FindAllStringSubmatch(string(released), -1)
	for _, uri := range named {
		if sums[filepath.FromSlash(uri[1])] == "" {
			t.Errorf("the template names %s, which is not in the release", uri[1])
		}
	}
	if len(named) != len(functions(t)) {
		t.Errorf("the template names %d files for %d functions", len(named), len(functions(t)))
	}
	out, err := exec.Command(filepath.Join(folder, program), "version").Output()
	if err != nil || string(out) != version.Number+"\n" || sums[program] == "" {
		t.Errorf("%s says %q: %v", program, out, err)
	}
	checkArchitecture(t, folder, "arm64", elf.EM_AARCH64)
	checkBill(t, filepath.Join(folder, "sbom.cdx.json"))
}

// A release for x86-64 is another one beside it. One function and no command line show
// it.
func TestReleaseForX86(t *testing.T) {
	folder := releases(t, version.Number+"-x86_64", "ARCHITECTURE=x86_64", "FUNCTIONS=cleanup", "PLATFORMS=")
	if sums := sumsOf(t, folder); sums[filepath.Join("functions", "cleanup.zip")] == "" || len(sums) != 6 {
		t.Errorf("it is made of %v", sums)
	}
	checkArchitecture(t, folder, "x86_64", elf.EM_X86_64)
}

// checkArchitecture looks that the template of a release takes the architecture of its
// zips only, and without being told.
func checkArchitecture(t *testing.T, folder, name string, machine elf.Machine) {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(folder, "functions", "cleanup.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	in, err := archive.Open("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	bootstrap, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := elf.NewFile(bytes.NewReader(bootstrap))
	if err != nil || binary.Machine != machine {
		t.Errorf("for %s: %v, it is built for %v", name, err, binary)
	}
	file := filepath.Join(folder, "template.yaml")
	for other, right := range map[string]bool{"arm64": name == "arm64", "x86_64": name == "x86_64"} {
		if _, err := template.Load(file, map[string]string{"Architecture": other}); (err == nil) != right {
			t.Errorf("the release for %s runs on %s: %v", name, other, err)
		}
	}
	list, err := template.Resources(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if on := fmt.Sprint(r.Properties["Architectures"]); r.Type == "AWS::Serverless::Function" && on != "["+name+"]" {
			t.Errorf("in the release for %s %s runs on %s", name, r.ID, on)
		}
	}
}

// The command line is released for what its users have. Every package that it is made of
// has files for each.
func TestPlatforms(t *testing.T) {
	found := regexp.MustCompile(`(?m)^PLATFORMS := (.*)$`).FindStringSubmatch(text(t, "Makefile"))
	if found == nil || found[1] != "linux-amd64 linux-arm64 darwin-amd64 darwin-arm64" {
		t.Fatalf("%q", found)
	}
	for _, platform := range strings.Fields(found[1]) {
		system, processor, _ := strings.Cut(platform, "-")
		list := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{len .GoFiles}}{{end}}", "./infra/cmd/customercare")
		list.Dir = dynamotest.Root()
		list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor)
		out, err := list.CombinedOutput()
		if err != nil || slices.Contains(strings.Fields(string(out)), "0") {
			t.Errorf("%s: %v, files of each package: %s", platform, err, out)
		}
	}
}

// sumsOf reads SHA256SUMS, which names every file of the folder and has its right sum.
func sumsOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		is, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[filepath.FromSlash(name)] = is
	}
	err = filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "SHA256SUMS" {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if sums[name] != sum(t, path) {
			t.Errorf("%s has another sum than SHA256SUMS says, %q", name, sums[name])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// checkBill looks for every module that the functions and the command line are made of in
// the SBOM, with the version in go.mod.
func checkBill(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BOMFormat string
		Metadata  struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(text, &bill); err != nil || bill.BOMFormat != "CycloneDX" {
		t.Fatalf("%v, %q", err, bill.BOMFormat)
	}
	if of := bill.Metadata.Component; of.Name != "customercare" || of.Version != version.Number {
		t.Errorf("it is the SBOM of %+v", of)
	}
	var listed []string
	for _, c := range bill.Components {
		listed = append(listed, c.Name+"@"+c.Version)
	}
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{end}}{{end}}",
		"./functions/...", "./infra/cmd/customercare")
	list.Dir = dynamotest.Root()
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := strings.Fields(string(out))
	slices.Sort(modules)
	if modules = slices.Compact(modules); len(modules) < 10 {
		t.Errorf("%d modules only", len(modules))
	}
	for _, module := range modules {
		if !slices.Contains(listed, module) {
			t.Errorf("the SBOM lacks %s", module)
		}
	}
}

// In a pipeline nobody answers: with CI=true make deploy asks nothing and takes a change
// set without changes for a success; without it the template's change set is confirmed.
func TestDeployAsksNobodyInCI(t *testing.T) {
	programs := t.TempDir()
	const sam = "#!/bin/sh\necho \"called sam $*\"\n"
	if err := os.WriteFile(filepath.Join(programs, "sam"), []byte(sam), 0o755); err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + programs + string(os.PathListSeparator) + os.Getenv("PATH")
	for ci, more := range map[string]string{"true": " --no-confirm-changeset --no-fail-on-empty-changeset", "": "", "false": ""} {
		said, err := makes(t, []string{path, "CI=" + ci}, "deploy", "CONFIG=prod")
		want := "called sam deploy --config-env prod" + more + "\n"
		if err != nil || !strings.Contains(said, "called sam build --config-env prod\n") || !strings.Contains(said, want) {
			t.Errorf("CI=%s: %v, %s", ci, err, said)
		}
	}
}
