package main

import (
	"context"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"customercare/infra/testkit/cloudformationtest"
	"customercare/shared/version"
)

// Each command says what it does and shows an example; the examples call commands and
// flags that there are.
func TestHelp(t *testing.T) {
	root := (&app{}).root()
	pages := 0
	var each func(command *cobra.Command)
	each = func(command *cobra.Command) {
		pages++
		page := call(t, "", append(strings.Fields(command.CommandPath())[1:], "--help")...)
		if command.Name() == "help" {
			page = call(t, "", "help", "help")
		}
		if page.code != 0 || page.errs != "" || command.Short == "" || command.Long == "" && command.Name() != "help" {
			t.Errorf("%s: %v", command.CommandPath(), page)
		}
		examples := regexp.MustCompile(`customercare [a-z-]+[^|&)>\n\\]*`).FindAllString(command.Example, -1)
		if !strings.Contains(page.out, "Examples:\n  ") || len(examples) == 0 {
			t.Errorf("%s has no example: %s", command.CommandPath(), page.out)
		}
		for _, example := range examples {
			example, _, _ = strings.Cut(example, "<")
			found, args, err := root.Find(strings.Fields(example)[1:])
			if err != nil {
				t.Errorf("%s: %v", example, err)
				continue
			}
			if !strings.Contains(example, "...") && found.ParseFlags(args) != nil {
				t.Errorf("%s has a flag that there is not", example)
			}
		}
		// A secret in a flag would stand in the list of processes and in the shell's
		// history.
		for _, name := range []string{"password", "secret", "key"} {
			if command.Flag(name) != nil {
				t.Errorf("%s takes a secret as --%s", command.CommandPath(), name)
			}
		}
		for line := range strings.SplitSeq(command.Long, "\n") {
			if len(line) > 90 {
				t.Errorf("%s: a line of %d columns: %s", command.CommandPath(), len(line), line)
			}
		}
		for _, below := range command.Commands() {
			each(below)
		}
	}
	each(root)
	if pages < 20 {
		t.Errorf("%d pages", pages)
	}
	if r := call(t, "", "--version"); r.code != 0 || !strings.HasPrefix(r.out, "customercare version "+version.Number) {
		t.Error(r)
	}
	if r := call(t, "", "version"); r.code != 0 || !regexp.MustCompile(`^`+regexp.QuoteMeta(version.Number)+`( \(\S+\))?\n$`).MatchString(r.out) {
		t.Error(r)
	}
	if r := call(t, "", "version", "--json"); r.code != 0 || !strings.Contains(r.out, `"version": "`+version.Number+`"`) {
		t.Error(r)
	}
	for _, group := range [][]string{{"The stack:", "smoke"}, {"This command line:", "completion", "help", "version"}} {
		lines := ""
		for _, name := range group[1:] {
			lines += "  " + name + ` .*\n`
		}
		page := call(t, "", "--help")
		if !regexp.MustCompile(group[0] + `\n` + lines + `\n`).MatchString(page.out) {
			t.Errorf("the group %q is not %q alone: %s", group[0], group[1:], page.out)
		}
	}
	call(t, "", "principls").is(t, 2, `unknown command "principls" for "customercare"`)
	for args, says := range map[string]string{
		"help bogus": `there is no command "bogus"`, "help principals bogus": `there is no command "principals bogus"`,
		"completion tcsh":              `customercare completion has no command "tcsh"`,
		"principals add":               "KIND and NAME are missing: customercare principals add KIND NAME\n",
		"principals add app":           "NAME is missing: customercare principals add KIND NAME\n",
		"principals show app a b":      "there are more arguments than KIND and NAME: customercare principals show",
		"import":                       "FILE is missing: customercare import FILE\n",
		"keys show extra":              "customercare keys show takes no argument\n",
		"erasures list --limit x":      "--limit must be a number\n",
		"import x --from 1.5":          "--from must be a number\n",
		"restorable --since 2026":      "--table must name a table\n",
		"restorable --table t --since": "flag needs an argument: --since\n",
	} {
		r := call(t, "", strings.Fields(args)...)
		r.is(t, 2, says)
		if r.out != "" || strings.Contains(r.errs, "strconv") || !strings.Contains(r.errs, "see `customercare") {
			t.Errorf("%s: %v", args, r)
		}
	}
	call(t, "", "principals", "lst").is(t, 2, `has no command "lst", did you mean list?`)
}

// A flag with an empty value, as a script gives it whose variable is not set, is never
// taken for one that is absent: a check would be left out, or another deployment taken.
func TestEmptyFlagsAreRefused(t *testing.T) {
	flags := 0
	var each func(command *cobra.Command)
	each = func(command *cobra.Command) {
		for _, below := range command.Commands() {
			each(below)
		}
		use, _, _ := strings.Cut(strings.Replace(command.Use, "KIND", "app", 1), " --")
		command.InheritedFlags() // merges them
		command.Flags().VisitAll(func(flag *pflag.Flag) {
			if !strings.HasPrefix(flag.Value.Type(), "string") || command.HasSubCommands() || command.GroupID == "usage" {
				return
			}
			flags++
			root := (&app{}).root()
			path := strings.Fields(command.CommandPath())[1:]
			root.SetArgs(slices.Concat(path, strings.Fields(use)[1:], []string{"--" + flag.Name, ""}))
			if err := root.Execute(); err == nil || !strings.HasPrefix(err.Error(), "--"+flag.Name+" is empty: ") {
				t.Errorf("%s --%s: %v", command.CommandPath(), flag.Name, err)
			}
		})
	}
	each((&app{}).root())
	if flags < 50 {
		t.Errorf("%d flags are tried", flags)
	}
	call(t, "", "keys", "show", "--stack", "").is(t, 2, "--stack is empty: leave it out, or give it a value")
}

// Errors are one sentence in our words, whatever of the deployment is missing.
func TestErrorsAreSentences(t *testing.T) {
	cloudformationtest.Unconfigured(t)
	for _, args := range [][]string{{"principals", "list"}, {"keys", "show"}, {"erasures", "list"}, {"smoke"},
		{"import", "-"}} {
		r := call(t, "", append(args, "--endpoint", "http://127.0.0.1:1")...)
		if r.code != 1 || r.out != "" ||
			r.errs != "customercare: nothing answers at 127.0.0.1:1: start the local stack with `make run`,"+
				" or name another with --endpoint (DYNAMODB_ENDPOINT) or --stack (STACK)\n" {
			t.Errorf("%v: %v", args, r)
		}
	}
	// Something answers that is no DynamoDB.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			connection.Close()
		}
	}()
	r := call(t, "", "principals", "list", "--endpoint", "http://"+listener.Addr().String())
	if r.code != 1 ||
		r.errs != "customercare: the table Principals cannot be reached: no answer came, or none that can be read\n" {
		t.Error(r)
	}
	call(t, "", "principals", "list", "--stack", "x", "--endpoint", "http://127.0.0.1:1").is(t, 2, "are both set")
	call(t, "", "principals", "list", "--endpoint", "foo").is(t, 2, "must be an address like")
}

// SIGTERM ends a load in the middle, which then says where it stopped.
func TestSIGTERMEndsALoad(t *testing.T) {
	cloudformationtest.Unconfigured(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "import", "-", "--endpoint", "http://"+listener.Addr().String())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write([]byte(records)); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the look whether anything answers, and the first call, which gets no answer
		connection, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	r := result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
	r.is(t, 130, "customercare: interrupted at line ")
	if strings.Count(r.errs, "\n") != 1 || !strings.Contains(r.errs, "the rest with --from ") {
		t.Error(r)
	}
}
