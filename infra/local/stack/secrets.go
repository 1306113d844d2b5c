package stack

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"customercare/infra/local/secrets"
)

// readSecret reads an AWS::SecretsManager::Secret. A generated text is another one each time, as in each deployment.
func (l *loader) readSecret(logicalID string, p properties) error {
	name := p.text("Name")
	if name == "" {
		name = logicalID
	}
	secret := secrets.Secret{LogicalID: logicalID, Name: name, ARN: l.refs[logicalID], Text: p.text("SecretString")}
	if g := p.under("GenerateSecretString"); g != nil {
		for option := range g {
			if !slices.Contains([]string{"SecretStringTemplate", "GenerateStringKey", "PasswordLength", "ExcludePunctuation"}, option) {
				return fmt.Errorf("the local stack does not generate a secret with %s", option)
			}
		}
		length, err := g.number("PasswordLength", 32)
		if err != nil {
			return err
		}
		if g.text("ExcludePunctuation") != "true" {
			return errors.New("the local stack generates a secret of letters and digits only (ExcludePunctuation)")
		}
		secret.Text, err = secrets.Generate{Template: g.text("SecretStringTemplate"), Key: g.text("GenerateStringKey"), Length: length}.Text()
		if err != nil {
			return err
		}
	}
	l.template.Secrets = append(l.template.Secrets, secret)
	return nil
}

// serveSecrets serves the template's secrets, with the texts that were given in place of theirs.
func serveSecrets(all []secrets.Secret, opts Options) (*secrets.Server, error) {
	all = slices.Clone(all)
	for logicalID, text := range opts.Secrets {
		at := slices.IndexFunc(all, func(secret secrets.Secret) bool { return secret.LogicalID == logicalID })
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
