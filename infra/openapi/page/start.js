// Shows openapi.yaml. Nothing is asked of anybody but this page's own folder, until
// somebody tries a call.
SwaggerUIBundle({
  url: 'openapi.yaml',
  dom_id: '#calls',
  deepLinking: true,
  validatorUrl: null,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: false,
})
