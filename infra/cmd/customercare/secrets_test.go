package main

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/creack/pty"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
)

// What changes no secret leaves the time of the last new one.
func TestTheTimeIsTheSecrets(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	operator := fmt.Sprintf(`{"kind":"operator","name":"csr","password":[%q,%q]`, password, another)
	call(t, operator+"}", "import", "-").is(t, 0, "")
	age := func() {
		t.Helper()
		_, err := kit.Plain.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &kit.Principals.Table, Key: attribute.Item{"principal": attribute.Text("operator#csr")},
			UpdateExpression:          aws.String("SET changed = :long"),
			ExpressionAttributeValues: attribute.Item{":long": attribute.Number(981173106)}, // 2001-02-03
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		input, args string
		old         bool
	}{
		{"", "principals disable operator csr", true},
		{"", "principals enable operator csr", true},
		{operator + `,"validUntil":"2999-01-02T03:04:05Z"}`, "import -", true},
		{"", "principals rotate operator csr --finish", true},
		{password, "principals rotate operator csr", false},
		{operator + "}", "import -", false},
	} {
		age()
		call(t, c.input, strings.Fields(c.args)...).is(t, 0, "")
		r := call(t, "", "principals", "show", "operator", "csr")
		if strings.Contains(r.out, "2001-02-03 04:05:06Z") != c.old {
			t.Errorf("%s: %v", c.args, r)
		}
	}
}

// On a terminal the password is asked for twice and not shown; two that differ change
// nothing; Ctrl-C ends it, and the terminal shows again what is typed.
func TestPasswordsAreAskedFor(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	for _, c := range []struct {
		answers []string
		code    int
		says    string
	}{
		{[]string{password + "\r", another + "\r"}, 1, "the two differ, so nothing is changed"},
		{[]string{"sesame\r"}, 1, "password has less than 15 characters; nothing is changed"}, // not asked for again
		{[]string{"\x03"}, 130, "customercare: interrupted"},
		{[]string{password + "\r", password + "\r"}, 0, "is added"},
	} {
		said, code := onTerminal(t, c.answers, "principals", "add", "operator", "csr")
		if code != c.code || !strings.Contains(said, c.says) || strings.Contains(said, password) ||
			strings.Contains(said, another) {
			t.Errorf("exit %d: %s", code, said)
		}
		if stored := len(kit.Dump(t, kit.Principals.Table)); stored != map[bool]int{true: 1}[c.code == 0] {
			t.Errorf("%s: %d are stored", c.says, stored)
		}
	}
	// Nobody is asked for the secret of a name that is taken, or that nobody has.
	for _, args := range []string{"add operator csr", "rotate operator nobody"} {
		if said, code := onTerminal(t, nil, append([]string{"principals"}, strings.Fields(args)...)...); code != 1 ||
			!strings.Contains(said, "such a principal") && !strings.Contains(said, "no such principal") {
			t.Errorf("%s: exit %d: %s", args, code, said)
		}
	}
	if said, code := onTerminal(t, []string{"n\r"}, "principals", "remove", "operator", "csr"); code != 1 ||
		!strings.Contains(said, "nothing is changed") {
		t.Errorf("exit %d: %s", code, said)
	}
	if said, code := onTerminal(t, []string{"y\r"}, "principals", "remove", "operator", "csr"); code != 0 ||
		!strings.Contains(said, "is removed") {
		t.Errorf("exit %d: %s", code, said)
	}
}

// onTerminal runs the command on a terminal of its own, and answers each of its
// questions, which end in ": " or "] ". When the command has ended the terminal echoes
// again.
func onTerminal(t *testing.T, answers []string, args ...string) (said string, code int) {
	t.Helper()
	controller, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer controller.Close()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		_, _ = terminal.WriteString("after")
		terminal.Close()
		close(ended)
	}()
	buffer := make([]byte, 1024)
	for {
		n, err := controller.Read(buffer)
		said += string(buffer[:n])
		if len(answers) > 0 && (strings.HasSuffix(said, ": ") || strings.HasSuffix(said, "] ")) {
			if _, err := controller.WriteString(answers[0]); err != nil {
				t.Fatal(err)
			}
			answers = answers[1:]
		}
		if err != nil || strings.HasSuffix(said, "after") {
			break
		}
	}
	<-ended
	return said, cmd.ProcessState.ExitCode()
}
