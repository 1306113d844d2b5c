package bed

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"

	"customercare/infra/bench/setup"
	"customercare/infra/local/process"
)

// Floor is a running program of infra/bench/floor that takes commands, a line of JSON each, and answers each with a line of
// JSON. So its start is no part of what is measured.
type Floor struct {
	name     string
	cmd      *exec.Cmd
	commands io.WriteCloser
	answers  *bufio.Reader
	complain bytes.Buffer // read once the process is gone
	unbind   func() bool
}

// StartFloor starts the floor of this name. It ends with Close, or with ctx.
func StartFloor(ctx context.Context, s setup.Setup, name string) (*Floor, error) {
	f := &Floor{name: name, cmd: exec.Command(filepath.Join(s.Floors, name, "bootstrap"))}
	f.cmd.Env = []string{ // what every function has, too
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIAFLOOR", "AWS_SECRET_ACCESS_KEY=made-up", "METRICS_NAMESPACE=floor",
		"AWS_ENDPOINT_URL_DYNAMODB=" + s.Endpoint,
	}
	f.cmd.Stderr = &f.complain
	in, err := f.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(f.cmd); err != nil {
		return nil, fmt.Errorf("start floor %s: %w", name, err)
	}
	f.commands, f.answers = in, bufio.NewReader(out)
	f.unbind = context.AfterFunc(ctx, func() { process.Kill(f.cmd) })
	return f, nil
}

// Ask sends a command and reads its answer into answer. After an error nothing can be asked any more.
func (f *Floor) Ask(command, answer any) error {
	line, err := json.Marshal(command)
	if err != nil {
		return err
	}
	_, err = f.commands.Write(append(line, '\n'))
	if err == nil {
		if line, err = f.answers.ReadBytes('\n'); err == nil {
			return json.Unmarshal(line, answer)
		}
	}
	f.Close()
	return fmt.Errorf("floor %s: %w: %s", f.name, err, bytes.TrimSpace(f.complain.Bytes()))
}

// Close ends the program and returns when it is gone. It may be called again.
func (f *Floor) Close() {
	f.unbind()
	f.commands.Close() // it ends with its input
	_ = f.cmd.Wait()
}
