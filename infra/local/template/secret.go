package template

import (
	"cmp"
	"errors"
	"fmt"

	"customercare/infra/local/secrets"
)

// readSecret reads an AWS::SecretsManager::Secret. A generated text is another one each
// time, as in each deployment.
func (l *loader) readSecret(logicalID string, p properties) error {
	secret := secrets.Secret{
		LogicalID: logicalID,
		Name:      cmp.Or(p.text("Name"), logicalID),
		ARN:       l.refs[logicalID],
		Text:      p.text("SecretString"),
	}
	if g := p.under("GenerateSecretString"); g != nil {
		for option := range g {
			switch option {
			case "SecretStringTemplate", "GenerateStringKey", "PasswordLength", "ExcludePunctuation":
			default:
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
		secret.Text, err = secrets.Generate{
			Template: g.text("SecretStringTemplate"), Key: g.text("GenerateStringKey"), Length: length,
		}.Text()
		if err != nil {
			return err
		}
	}
	l.template.Secrets = append(l.template.Secrets, secret)
	return nil
}
