// Command docs writes the page that shows the calls into a folder, for a company's own
// site: `make docs`.
//
//	docs FOLDER [SERVER]
//
// SERVER is the address that "try it" asks, in place of those in docs/openapi.yaml.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"customercare/infra/openapi"
	"customercare/infra/project"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := write(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		stop()
		os.Exit(1)
	}
}

// write writes the page, as the arguments say.
func write(ctx context.Context, arguments []string) error {
	if len(arguments) < 1 || len(arguments) > 2 || arguments[0] == "" {
		return errors.New("say the folder, and after it the API's address if it is known")
	}
	root, err := project.Root()
	if err != nil {
		return err
	}
	document, err := os.ReadFile(filepath.Join(root, "docs", "openapi.yaml"))
	if err != nil {
		return err
	}
	server := append(arguments, "")[1]
	if err := openapi.Site(ctx, document, server, filepath.Join(root, ".cache"), arguments[0]); err != nil {
		return err
	}
	fmt.Printf("The page is %s\n", filepath.Join(arguments[0], "index.html"))
	return nil
}
