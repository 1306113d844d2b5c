package main

import (
	"os/exec"
	"testing"
)

// The stack as it stands is deployed, answers and is deleted, where SAM and ministack
// are. What ministack does not know yet of a changed template is added to simplify.
func TestRehearsal(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes: not with -short")
	}
	for _, program := range []string{"sam", "ministack"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (docs/deploy.md, `make rehearse`)", program)
		}
	}
	if err := rehearse(t.Context()); err != nil {
		t.Error(err)
	}
}
