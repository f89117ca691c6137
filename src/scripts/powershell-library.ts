/**
 * What every PowerShell script has in it: for Windows PowerShell 5.1 and for 7. Steps are data in `$Steps`; nothing of
 * them is ever run as PowerShell.
 */

export const POWERSHELL_BASE = `
function Write-Log {
    param([Parameter(Mandatory)][string]$Message)
    $Shown = $Message -replace '[^ -~]', '?'
    Write-Information -MessageData $Shown -InformationAction Continue
    if (Test-Path -LiteralPath $Backup) {
        Add-Content -LiteralPath (Join-Path -Path $Backup -ChildPath 'log') -Value ('{0:u} {1}' -f [DateTime]::UtcNow, $Shown) -Encoding UTF8
    }
}

function Add-Record {
    param([Parameter(Mandatory)][string]$Line)
    Add-Content -LiteralPath $StateFile -Value $Line -Encoding ASCII
}

function Get-Record {
    if (Test-Path -LiteralPath $StateFile) { Get-Content -LiteralPath $StateFile -Encoding ASCII }
}

function Test-Record {
    param([Parameter(Mandatory)][string]$Line)
    @(Get-Record) -ccontains $Line
}

# The SHA-256 of a file; else what is there instead of one.
function Get-FileState {
    param([Parameter(Mandatory)][string]$Path)
    $Item = Get-Item -LiteralPath $Path -Force -ErrorAction SilentlyContinue
    if ($null -eq $Item) { return 'none' }
    if ($Item.Attributes -band [IO.FileAttributes]::ReparsePoint) { return 'link' }
    if ($Item -isnot [IO.FileInfo]) { return 'other' }
    (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash.ToLowerInvariant()
}

# What this script last made of a file, by its number.
function Get-LastState {
    param([Parameter(Mandatory)][int]$File)
    $Mark = "after $File "
    @(Get-Record) | Where-Object { $_.StartsWith($Mark) } | ForEach-Object { $_.Substring($Mark.Length) } | Select-Object -Last 1
}

function Get-Sha256 {
    param([Parameter(Mandatory)][byte[]]$Content)
    $Algorithm = [Security.Cryptography.SHA256]::Create()
    try { -join ($Algorithm.ComputeHash($Content) | ForEach-Object { $_.ToString('x2') }) }
    finally { $Algorithm.Dispose() }
}

function Backup-Directory {
    foreach ($Each in $Backup, (Join-Path -Path $Backup -ChildPath 'files')) {
        if (-not (Test-Path -LiteralPath $Each)) { [void](New-Item -ItemType Directory -Path $Each -Force) }
    }
}
`;

export const POWERSHELL_FILES = `
# The file is the one that the script was written for, or what the script made of it.
function Assert-File {
    param([Parameter(Mandatory)][hashtable]$File)
    $Now = Get-FileState -Path $File.Path
    if ($Now -notin @($File.Before, $File.After) -and $Now -ne (Get-LastState -File $File.Number)) {
        throw "$($File.Path) is not the file that this script was written for; it was not touched"
    }
    $Now
}

# The first copy stands.
function Backup-File {
    param([Parameter(Mandatory)][hashtable]$File)
    Backup-Directory
    $Copy = Join-Path -Path $Backup -ChildPath "files\\$($File.Number)"
    if ((Get-FileState -Path $File.Path) -eq 'none' -or (Test-Path -LiteralPath $Copy)) { return }
    [IO.File]::WriteAllText("$Copy.access", (Get-Acl -LiteralPath $File.Path).Sddl)
    Copy-Item -LiteralPath $File.Path -Destination "$Copy.part"
    Move-Item -LiteralPath "$Copy.part" -Destination $Copy
}

# Owner and permissions stay: the new content takes the place of the old one.
function Edit-Content {
    param([Parameter(Mandatory)][hashtable]$File, [Parameter(Mandatory)][AllowEmptyCollection()][byte[]]$Content)
    $Temporary = "$($File.Path).rootaudit"
    [IO.File]::WriteAllBytes($Temporary, $Content)
    Add-Record -Line "after $($File.Number) $(Get-FileState -Path $Temporary)"
    if ((Get-FileState -Path $File.Path) -eq 'none') { [IO.File]::Move($Temporary, $File.Path) }
    else { [IO.File]::Replace($Temporary, $File.Path, [NullString]::Value) }
}

function Invoke-Deletion {
    param([Parameter(Mandatory)][hashtable]$File)
    Add-Record -Line "after $($File.Number) none"
    Remove-Item -LiteralPath $File.Path -Force
}

# False when a step on one file is done.
function Test-Due {
    param([Parameter(Mandatory)][hashtable]$Step, [Parameter(Mandatory)][hashtable]$File)
    $Now = Assert-File -File $File
    if ($Now -eq $Step.After) { return $false }
    if ((Test-Record -Line "done $($Step.Number)") -and $Now -eq (Get-LastState -File $File.Number)) { return $false }
    Backup-File -File $File
    $true
}

function Invoke-FileStep {
    param([Parameter(Mandatory)][hashtable]$Step, [Parameter(Mandatory)][hashtable]$File)
    if (-not (Test-Due -Step $Step -File $File)) { return $false }
    switch ($Step.Kind) {
        'Delete' { Invoke-Deletion -File $File }
        'Cut' {
            $Old = [IO.File]::ReadAllBytes($File.Path)
            $New = [IO.MemoryStream]::new()
            for ($Index = 0; $Index -lt $Step.Kept.Count; $Index += 2) {
                $Length = $Step.Kept[$Index + 1]
                if ($Length -lt 0) { $Length = $Old.Length - $Step.Kept[$Index] }
                $New.Write($Old, $Step.Kept[$Index], $Length)
            }
            if ((Get-Sha256 -Content $New.ToArray()) -ne $Step.After) { throw "$($File.Path) could not be cut as it was planned; it was not touched" }
            Edit-Content -File $File -Content $New.ToArray()
        }
        'Write' {
            $Directory = Split-Path -LiteralPath $File.Path
            if (-not (Test-Path -LiteralPath $Directory)) { [void](New-Item -ItemType Directory -Path $Directory -Force) }
            Edit-Content -File $File -Content $Step.Content
        }
    }
    $true
}

function Restore-File {
    param([Parameter(Mandatory)][hashtable]$File)
    $Now = Assert-File -File $File
    if ($Now -eq $File.Before) { return }
    if ($File.Before -eq 'none') {
        Remove-Item -LiteralPath $File.Path -Force
        return
    }
    $Copy = Join-Path -Path $Backup -ChildPath "files\\$($File.Number)"
    if ((Get-FileState -Path $Copy) -ne $File.Before) { throw "the copy of $($File.Path) in $Backup is damaged" }
    $Temporary = "$($File.Path).rootaudit"
    Copy-Item -LiteralPath $Copy -Destination $Temporary
    if ($Now -eq 'none') { [IO.File]::Move($Temporary, $File.Path) }
    else { [IO.File]::Replace($Temporary, $File.Path, [NullString]::Value) }
    $Access = Get-Acl -LiteralPath $File.Path
    $Access.SetSecurityDescriptorSddlForm([IO.File]::ReadAllText("$Copy.access"), [Security.AccessControl.AccessControlSections]::Access)
    Set-Acl -LiteralPath $File.Path -AclObject $Access
    [IO.File]::SetLastWriteTimeUtc($File.Path, [IO.File]::GetLastWriteTimeUtc($Copy))
    Write-Log -Message "put back $($File.Path)"
}
`;

export const POWERSHELL_TOOLS = `
# One argument as programs of Windows take it apart (CommandLineToArgvW).
function ConvertTo-Argument {
    param([Parameter(Mandatory)][AllowEmptyString()][string]$Value)
    if ($Value -ne '' -and $Value -notmatch '[\\s"]') { return $Value }
    '"' + ($Value -replace '(\\\\*)"', '$1$1\\"' -replace '(\\\\+)\\z', '$1$1') + '"'
}

# A program of the system is never taken from the current directory.
function Get-Tool {
    param([Parameter(Mandatory)][string]$Name)
    $System = Join-Path -Path ([Environment]::SystemDirectory) -ChildPath "$Name.exe"
    if (Test-Path -LiteralPath $System) { return $System }
    $Found = Get-Command -Name $Name -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($null -eq $Found) { throw "$Name is needed, and is not installed here" }
    $Found.Source
}

function Invoke-Tool {
    param([Parameter(Mandatory)][string[]]$Command, [string]$Directory = [Environment]::SystemDirectory)
    $Start = [Diagnostics.ProcessStartInfo]::new()
    $Start.FileName = Get-Tool -Name $Command[0]
    $Start.Arguments = ($Command | Select-Object -Skip 1 | ForEach-Object { ConvertTo-Argument -Value $_ }) -join ' '
    $Start.WorkingDirectory = $Directory
    $Start.UseShellExecute = $false
    $Start.RedirectStandardOutput = $true
    $Start.RedirectStandardError = $true
    $Process = [Diagnostics.Process]::Start($Start)
    $Errors = $Process.StandardError.ReadToEndAsync()
    $Output = $Process.StandardOutput.ReadToEnd() + $Errors.Result
    $Process.WaitForExit()
    if ($Process.ExitCode -ne 0) { throw "$($Command[0]) failed ($($Process.ExitCode)): $($Output -replace '[^ -~]+', ' ')" }
}
`;

export const POWERSHELL_EDIT = `
# A tool works on copies; what it makes of them is put in place.
function Invoke-EditStep {
    param([Parameter(Mandatory)][hashtable]$Step)
    $IsDone = Test-Record -Line "done $($Step.Number)"
    foreach ($Each in $Step.Edited) {
        $Now = Assert-File -File $Files[$Each.File]
        if ($Now -ne (Get-LastState -File $Each.File)) { $IsDone = $false }
    }
    if ($IsDone) { return $false }
    $Work = Join-Path -Path ([IO.Path]::GetTempPath()) -ChildPath ([Guid]::NewGuid().ToString('N'))
    [void](New-Item -ItemType Directory -Path $Work)
    try {
        foreach ($Each in $Step.Edited) {
            Copy-Item -LiteralPath $Files[$Each.File].Path -Destination (Join-Path -Path $Work -ChildPath $Each.Name)
        }
        $Copy = if ($Step.Copy -eq '') { $Work } else { Join-Path -Path $Work -ChildPath $Step.Copy }
        foreach ($Run in $Step.Runs) {
            Invoke-Tool -Command @($Run.Command | ForEach-Object { $_.Replace($Step.Placeholder, $Copy) }) -Directory $Work
        }
        foreach ($Each in $Step.Edited) {
            $File = $Files[$Each.File]
            $New = Join-Path -Path $Work -ChildPath $Each.Name
            Backup-File -File $File
            if (-not (Test-Path -LiteralPath $New)) { Invoke-Deletion -File $File }
            elseif ((Get-FileState -Path $New) -eq (Get-FileState -Path $File.Path)) { Add-Record -Line "after $($File.Number) $(Get-FileState -Path $New)" }
            else { Edit-Content -File $File -Content ([IO.File]::ReadAllBytes($New)) }
        }
    }
    finally { Remove-Item -LiteralPath $Work -Recurse -Force }
    $true
}
`;

export const POWERSHELL_RUN = `
# SHA-256 of the certificate (its RawData) in a key of a certificate store: property 32 of the serialized form.
function Get-KeyCertificate {
    param([Parameter(Mandatory)][string]$Key)
    $Hive, $Rest = $Key -split '\\\\', 2
    $Name = @{ HKLM = 'HKEY_LOCAL_MACHINE'; HKCU = 'HKEY_CURRENT_USER'; HKU = 'HKEY_USERS' }[$Hive]
    $Blob = [Microsoft.Win32.Registry]::GetValue("$Name\\$Rest", 'Blob', $null)
    if ($null -eq $Blob) { return 'none' }
    for ($At = 0; $At + 12 -le $Blob.Length; $At += 12 + $Length) {
        $Length = [BitConverter]::ToInt32($Blob, $At + 8)
        if ($Length -lt 0 -or $At + 12 + $Length -gt $Blob.Length) { break }
        if ([BitConverter]::ToInt32($Blob, $At) -eq 32) {
            $Content = [byte[]]::new($Length)
            [Array]::Copy($Blob, $At + 12, $Content, 0, $Length)
            return Get-Sha256 -Content $Content
        }
    }
    'other'
}

function Invoke-RunStep {
    param([Parameter(Mandatory)][hashtable]$Step)
    if (Test-Record -Line "done $($Step.Number)") { return $false }
    if ($Step.Key -ne '') {
        $Found = Get-KeyCertificate -Key $Step.Key
        if ($Found -eq 'none') { return $false }
        if ($Found -ne $Step.Sha256) { throw "$($Step.Key) does not hold the certificate that this script was written for; it was not touched" }
    }
    if ($Step.Certificate -ne '') {
        if (-not (Test-Path -LiteralPath $Step.Certificate)) { return $false }
        $Certificate = [Security.Cryptography.X509Certificates.X509Certificate2]::new($Step.Certificate)
        if ((Get-Sha256 -Content $Certificate.RawData) -ne $Step.Sha256) { throw "$($Step.Certificate) is not the certificate that this script was written for" }
    }
    Backup-Directory
    if ($Step.Directory -ne '') {
        if (-not (Test-Path -LiteralPath $Step.Directory)) { [void](New-Item -ItemType Directory -Path $Step.Directory -Force) }
    }
    else {
        Add-Record -Line "begun $($Step.Number)"
        Invoke-Tool -Command $Step.Command
    }
    $true
}
`;

export const POWERSHELL_MAIN = `
if ($Undo) {
    if (-not (Test-Path -LiteralPath $StateFile)) {
        Write-Log -Message 'There is nothing to undo.'
        return
    }
    $Files.Values | ForEach-Object { [void](Assert-File -File $_) }
    foreach ($Step in @($Steps | Sort-Object -Property { $_.Number } -Descending)) {
        if ($Step.Undo.Count -eq 0 -or -not (Test-Record -Line "begun $($Step.Number)")) { continue }
        if (Test-Record -Line "undone $($Step.Number)") { continue }
        if ($PSCmdlet.ShouldProcess($Step.Text, 'undo')) {
            foreach ($Each in $Step.Undo) { Invoke-Tool -Command $Each.Command }
            Add-Record -Line "undone $($Step.Number)"
            Write-Log -Message "$($Step.Number). undone"
        }
    }
    foreach ($File in @($Files.Values | Sort-Object -Property { $_.Number } -Descending)) {
        if ($PSCmdlet.ShouldProcess($File.Path, 'put back')) { Restore-File -File $File }
    }
    if ($PSCmdlet.ShouldProcess($StateFile, 'forget')) {
        Remove-Item -LiteralPath $StateFile
        Remove-Item -LiteralPath (Join-Path -Path $Backup -ChildPath 'files') -Recurse -Force -ErrorAction SilentlyContinue
        Write-Log -Message 'Everything is back.'
    }
    return
}

$Files.Values | ForEach-Object { [void](Assert-File -File $_) }
foreach ($Step in $Steps) {
    if (-not $PSCmdlet.ShouldProcess($Step.Text, 'step')) { continue }
    $IsNew = switch ($Step.Kind) {
        'Run' { Invoke-RunStep -Step $Step }
        'Edit' { Invoke-EditStep -Step $Step }
        default { Invoke-FileStep -Step $Step -File $Files[$Step.File] }
    }
    if ($IsNew) {
        Add-Record -Line "done $($Step.Number)"
        Write-Log -Message "$($Step.Number). $($Step.Text)"
    }
    else { Write-Log -Message "$($Step.Number). done before" }
}
`;
