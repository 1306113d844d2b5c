// Command hello-signs is a hello with the client of DynamoDB, and with that of KMS, which
// signs nothing before a call asks for it.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"customercare/shared/environment"
	"customercare/shared/start"
	"customercare/shared/store"
)

type settings struct {
	Store    store.Settings
	Key      string `env:"LOG_KEY,required,notEmpty"`
	Endpoint string `env:"AWS_ENDPOINT_URL_KMS"`
}

func main() {
	start.Function(func(s settings) (any, error) {
		_, connected := store.Connect(s.Store)
		client := kms.NewFromConfig(s.Store.AWS.Config(), func(o *kms.Options) {
			o.HTTPClient, o.Retryer = environment.HTTPClient(environment.Transport()), environment.Retryer()
			if s.Endpoint != "" {
				o.BaseEndpoint = &s.Endpoint
			}
		})
		connected()
		return func(ctx context.Context) error {
			_, err := client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &s.Key})
			return err
		}, nil
	})
}
