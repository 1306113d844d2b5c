package stack

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"customercare/infra/local/secrets"
)

// serveSecrets serves the template's secrets, with the texts that were given in place of
// theirs.
func serveSecrets(all []secrets.Secret, opts Options) (*secrets.Server, error) {
	all = slices.Clone(all)
	for logicalID, text := range opts.Secrets {
		isIt := func(secret secrets.Secret) bool { return secret.LogicalID == logicalID }
		at := slices.IndexFunc(all, isIt)
		if at < 0 {
			return nil, fmt.Errorf("the template has no secret %q", logicalID)
		}
		all[at].Text = text
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(opts.SecretsPort))
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	return secrets.Serve(listener, all), nil
}
