; The Windows installer of a kit: copies it, and a start in the menu installs the lab from it, without a network.
;
;   makensis -DKIT=DIR-OF-A-KIT -DVERSION=0.1.0 -DOUT=prayog-0.1.0-setup.exe prayog.nsi
;
; prayog-…-setup.exe /S /CurrentUser   silent, for this user (no rights needed)
; prayog-…-setup.exe /S /AllUsers      silent, for all users (asks for rights)
; Learners' own files are in %LOCALAPPDATA%\Prayog and are never touched.

!define MULTIUSER_EXECUTIONLEVEL Highest
!define MULTIUSER_MUI
!define MULTIUSER_INSTALLMODE_COMMANDLINE
!define MULTIUSER_INSTALLMODE_INSTDIR "Prayog"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_KEY "Software\Prayog"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_VALUENAME "Folder"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_KEY "Software\Prayog"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_VALUENAME "Folder"
!define MULTIUSER_INSTALLMODE_DEFAULT_CURRENTUSER
!define MULTIUSER_USE_PROGRAMFILES64
!include MultiUser.nsh
!include MUI2.nsh
!include FileFunc.nsh

Unicode true
Name "Prayog ${VERSION}"
OutFile "${OUT}"
SetCompress off ; wheels are compressed already
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Prayog"

!insertmacro MULTIUSER_PAGE_INSTALLMODE
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!define MUI_UNCONFIRMPAGE_TEXT_TOP "Prayog will be removed. Your own work stays in %LOCALAPPDATA%\Prayog (progress, saved runs, your topics, data of embedded databases). Delete that folder to remove it too."
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

Function .onInit
  !insertmacro MULTIUSER_INIT
FunctionEnd

Function un.onInit
  !insertmacro MULTIUSER_UNINIT
FunctionEnd

Section "Prayog"
  SetOutPath "$INSTDIR"
  File /r "${KIT}/*"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr SHCTX "Software\Prayog" "Folder" "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL}" "DisplayName" "Prayog"
  WriteRegStr SHCTX "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${UNINSTALL}" "Publisher" "The Prayog developers"
  WriteRegStr SHCTX "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode'
  WriteRegStr SHCTX "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode /S'
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD SHCTX "${UNINSTALL}" "EstimatedSize" $0
  CreateShortcut "$SMPROGRAMS\Prayog.lnk" "$INSTDIR\start-windows.bat" "" "" 0 SW_SHOWMINIMIZED
SectionEnd

Section "Uninstall"
  ; Only what was installed: a folder that the user chose may hold files of theirs.
  RMDir /r "$INSTDIR\wheels"
  RMDir /r "$INSTDIR\locks"
  RMDir /r "$INSTDIR\lab"
  RMDir /r "$INSTDIR\licences"
  RMDir "$INSTDIR\topics"
  RMDir "$INSTDIR\scenarios"
  Delete "$INSTDIR\kit.toml"
  Delete "$INSTDIR\CHECKSUMS"
  Delete "$INSTDIR\START-HERE.pdf"
  Delete "$INSTDIR\start-windows.bat"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\Prayog.lnk"
  DeleteRegKey SHCTX "${UNINSTALL}"
  DeleteRegKey SHCTX "Software\Prayog"
  SetShellVarContext current ; for all users, the folder above would be that of the machine
  RMDir /r "$LOCALAPPDATA\Prayog-lab" ; what start.py made from the kit
SectionEnd
