{{/* The Deployment of a service; the scope is made by breakwater.component. */}}
{{- define "breakwater.component.deployment" -}}
{{- $pods := .root.Values.pods -}}
{{- $scaled := or (dig "autoscaling" "enabled" false .values) (dig "buffer" "enabled" false .values) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .fullname }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "breakwater.labels" . | nindent 4 }}
spec:
  {{- if not $scaled }}
  replicas: {{ .values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  minReadySeconds: 2
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: {{ .spec.surge | default 1 }}
      maxUnavailable: 0
  selector:
    matchLabels:
      {{- include "breakwater.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "breakwater.labels" . | nindent 8 }}
        {{- with $pods.labels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/config: {{ include "breakwater.component.settings" . | sha256sum }}
        kubectl.kubernetes.io/default-container: {{ .name }}
        {{- with merge (dict) .values.podAnnotations $pods.annotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "breakwater.component.pod" . | nindent 6 }}
{{- end -}}

{{- define "breakwater.component.pod" -}}
{{- $pods := .root.Values.pods -}}
serviceAccountName: {{ .fullname }}
automountServiceAccountToken: {{ .spec.token | default false }}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ add (int .values.drain.deadlineSeconds) 10 }}
securityContext:
  {{- include "breakwater.podSecurityContext" . | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $pods.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with merge (dict) .values.nodeSelector $pods.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat $pods.tolerations .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: {{ $pods.spread }}
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- include "breakwater.selector" $ | nindent 8 }}
  {{- end }}
containers:
  - name: {{ .name }}
    {{- include "breakwater.component.container" . | nindent 4 }}
{{- with .spec.mounts }}
volumes:
  {{- range . }}
  - name: {{ .name }}
    secret:
      secretName: {{ .secret }}
      defaultMode: 0440
      items:
        {{- range .items }}
        - {key: {{ . }}, path: {{ . }}}
        {{- end }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "breakwater.component.container" -}}
image: {{ include "breakwater.image" (dict "root" .root "image" .values.image) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- include "breakwater.securityContext" . | nindent 2 }}
envFrom:
  - configMapRef: {name: {{ .fullname }}}
env:
  - name: NODE_OPTIONS
    value: --max-old-space-size={{ include "breakwater.oldSpaceMiB" .values }}
  - name: BREAKWATER_INSTANCE
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  {{- range .spec.fields }}
  - name: {{ .env }}
    valueFrom: {fieldRef: {fieldPath: {{ .path }}}}
  {{- end }}
  {{- range .spec.secrets }}
  - name: {{ .env }}
    valueFrom: {secretKeyRef: {name: {{ .secret }}, key: {{ .key }}}}
  {{- end }}
ports:
  {{- range .spec.ports }}
  - {name: {{ .name }}, containerPort: {{ .port }}, protocol: TCP}
  {{- end }}
  - {name: admin, containerPort: 9090, protocol: TCP}
startupProbe:
  httpGet: {path: /startupz, port: admin}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: {{ .root.Values.pods.startupSeconds }}
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 3
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /livez, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
resources:
  {{- toYaml .values.resources | nindent 2 }}
{{- with .spec.mounts }}
volumeMounts:
  {{- range . }}
  - {name: {{ .name }}, mountPath: {{ .path }}, readOnly: true}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The password of a service's NATS user, as an item of `secrets`. Give {root, name}. */}}
{{- define "breakwater.nats.password" -}}
{{- $nats := .root.Values.nats -}}
{{- if not $nats.external.url }}
- {env: BREAKWATER_NATS_PASSWORD, secret: {{ include "breakwater.nats.secret" .root }}, key: {{ .name }}}
{{- else if $nats.external.existingSecret }}
- {env: BREAKWATER_NATS_PASSWORD, secret: {{ $nats.external.existingSecret }}, key: {{ .name }}}
{{- end }}
{{- end -}}

{{/* The authority of NATS, as an item of `mounts`. Give the root. */}}
{{- define "breakwater.nats.authority" -}}
{{- $nats := .Values.nats -}}
{{- if and $nats.external.url $nats.external.caSecret }}
- {name: nats-ca, secret: {{ $nats.external.caSecret }}, path: /etc/breakwater/nats, items: [ca.crt]}
{{- else if and (not $nats.external.url) $nats.tls.enabled }}
- {name: nats-ca, secret: {{ include "breakwater.nats.tlsSecret" . }}, path: /etc/breakwater/nats, items: [ca.crt]}
{{- end }}
{{- end -}}
